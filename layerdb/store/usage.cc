// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/usage.h"

#include <sys/stat.h>

#include <memory>
#include <set>

#include "layerdb/base/files.h"
#include "layerdb/base/walk.h"
#include "layerdb/catalog/lineage.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/store/store.h"

namespace veneer {
namespace {

// What the images with containers need.
struct Needed {
  std::set<Digest> images, layers, trees, blobs;
  std::set<ObjectRef> objects;
};

// What some images have in the directories whose entries are named by digests.
struct Parts {
  std::set<Digest> layers, trees, blobs;

  void Add(const ImageRecord& image) {
    layers.insert(image.diff_ids.begin(), image.diff_ids.end());
    trees.insert(image.chain_id);
    blobs.insert(image.id);
    blobs.insert(image.blobs.begin(), image.blobs.end());
  }
};

Result<std::vector<std::string>> NamesOf(const std::string& path) {
  VENEER_TRY_CTX(std::vector<std::string> names, NamesIn(path), path);
  return names;
}

class Measurer {
 public:
  explicit Measurer(Store& store) : store_(store), layout_(store.layout()) {}

  Result<StoreUsage> Run() {
    VENEER_TRY(out_.image_list, store_.images().List());
    VENEER_TRY(out_.container_list, store_.containers().List());
    TakeCachedSteps();
    VENEER_TRY_VOID(FindNeeded());
    VENEER_TRY_VOID(Images());
    VENEER_TRY_VOID(Containers());
    VENEER_TRY_VOID(Caches());
    VENEER_TRY_VOID(Objects());
    return Other();
  }

 private:
  Result<uint64_t> BytesOf(const std::string& path) {
    VENEER_TRY_CTX(const TreeSize size, measure_.Of(path), path);
    return size.on_disk;
  }

  // The directory itself, without what is in it.
  static uint64_t OwnBytes(const std::string& path) {
    struct stat st;
    return lstat(path.c_str(), &st) == 0 ? static_cast<uint64_t>(st.st_blocks) * 512 : 0;
  }

  // The cached steps leave the list of the images.
  void TakeCachedSteps() {
    UsagePart& part = out_.build_cache;
    const std::set<Digest> used = UsedImages(out_.container_list);
    const std::set<Digest> needed = NeededSteps(out_.image_list, used);
    for (const ImageListing& listing : out_.image_list) {
      if (!IsCachedStep(listing)) {
        of_images_.Add(listing.image);
        continue;
      }
      ++part.total;
      of_steps_.Add(listing.image);
      if (!needed.contains(listing.image.id)) continue;
      ++part.active;
      of_needed_steps_.Add(listing.image);
    }
    std::erase_if(out_.image_list, IsCachedStep);
  }

  Result<void> FindNeeded() {
    for (const ContainerRecord& container : out_.container_list) {
      needed_.images.insert(container.image_id);
      needed_.layers.insert(container.diff_ids.begin(), container.diff_ids.end());
      needed_.trees.insert(container.chain_id);
    }
    for (const ImageListing& listing : out_.image_list) {
      const ImageRecord& image = listing.image;
      out_.unpacked += image.size;
      ++out_.images.total;
      if (!needed_.images.contains(image.id)) continue;
      ++out_.images.active;
      needed_.blobs.insert(image.id);
      needed_.blobs.insert(image.blobs.begin(), image.blobs.end());
    }
    for (const Digest& diff_id : needed_.layers) {
      VENEER_TRY(const std::shared_ptr<IndexReader> index, store_.OpenLayer(diff_id));
      const Sys<void> read =
          index->ForEach([&](uint64_t, std::string_view, const IndexReader::Record& found) {
            if (found.entry.whiteout()) return true;
            if (const auto ref = found.entry.object()) needed_.objects.insert(*ref);
            return true;
          });
      if (!read) return MakeError(read.error(), index->path());
    }
    return {};
  }

  // A directory whose entries are named by digests. `parts`: those of them that some images have.
  Result<void> Digests(const std::string& directory, const std::set<Digest>& needed,
                       std::set<Digest> Parts::*parts) {
    out_.images.bytes += OwnBytes(directory);
    VENEER_TRY(const std::vector<std::string> names, NamesOf(directory));
    for (const std::string& name : names) {
      VENEER_TRY(const uint64_t bytes, BytesOf(directory + "/" + name));
      const std::optional<Digest> digest = Digest::FromHex(name);
      const auto had_by = [&](const Parts& some) {
        return digest && (some.*parts).contains(*digest);
      };
      const bool active = digest && needed.contains(*digest);
      const bool cached = !active && !had_by(of_images_) && had_by(of_steps_);
      UsagePart& part = cached ? out_.build_cache : out_.images;
      part.bytes += bytes;
      if (cached ? !had_by(of_needed_steps_) : !active) part.reclaimable += bytes;
    }
    return {};
  }

  Result<void> Images() {
    VENEER_TRY_VOID(Digests(layout_.layers(), needed_.layers, &Parts::layers));
    VENEER_TRY_VOID(Digests(layout_.trees(), needed_.trees, &Parts::trees));
    VENEER_TRY_VOID(Digests(layout_.blobs(), needed_.blobs, &Parts::blobs));
    out_.images.bytes += OwnBytes(layout_.root() + "/blobs");
    return {};
  }

  Result<void> Containers() {
    UsagePart& part = out_.containers;
    std::set<std::string> mounted;
    for (const ContainerRecord& container : out_.container_list) {
      ++part.total;
      out_.container_bytes[container.name] = 0;
      if (container.mount) mounted.insert(container.name);
    }
    part.active = mounted.size();
    part.bytes += OwnBytes(layout_.containers());
    VENEER_TRY(const std::vector<std::string> names, NamesOf(layout_.containers()));
    for (const std::string& name : names) {
      VENEER_TRY(const uint64_t bytes, BytesOf(layout_.container(name)));
      part.bytes += bytes;
      if (!mounted.contains(name)) part.reclaimable += bytes;
      const auto known = out_.container_bytes.find(name);
      if (known != out_.container_bytes.end()) known->second = bytes;
    }
    return {};
  }

  Result<void> Caches() {
    UsagePart& part = out_.build_cache;
    const std::string caches = layout_.caches();
    part.bytes += OwnBytes(caches);
    VENEER_TRY(const std::vector<std::string> names, NamesOf(caches));
    for (const std::string& name : names) {
      const std::string path = caches + "/" + name;
      VENEER_TRY(const uint64_t bytes, BytesOf(path));
      ++part.total;
      part.bytes += bytes;
      const Sys<Fd> lock = OpenLocked(path + "/lock", LockMode::kExclusive, kNoPatience);
      if (lock && !*lock) {
        ++part.active;
      } else {
        part.reclaimable += bytes;
      }
    }
    return {};
  }

  Result<void> Objects() {
    UsagePart& part = out_.objects;
    const std::string objects = layout_.objects();
    part.bytes += OwnBytes(objects);
    VENEER_TRY(const std::vector<std::string> shards, NamesOf(objects));
    for (const std::string& shard : shards) {
      part.bytes += OwnBytes(objects + "/" + shard);
      const Sys<std::vector<std::string>> names = NamesIn(objects + "/" + shard);
      // A file that is none of ours has been counted by itself.
      if (!names && names.error().code == ENOTDIR) continue;
      if (!names) return MakeError(names.error(), objects + "/" + shard);
      for (const std::string& name : *names) {
        const std::string path = shard + "/" + name;
        VENEER_TRY(const uint64_t bytes, BytesOf(objects + "/" + path));
        ++part.total;
        part.bytes += bytes;
        const std::optional<ObjectRef> ref = ParseObjectPath(path);
        if (ref && needed_.objects.contains(*ref)) {
          ++part.active;
        } else {
          part.reclaimable += bytes;
        }
      }
    }
    VENEER_TRY(const uint64_t slices, BytesOf(layout_.slices()));
    part.bytes += slices;
    return {};
  }

  Result<StoreUsage> Other() {
    const std::set<std::string> counted = {"layers",  "trees",  "blobs", "containers",
                                           "objects", "slices", "caches"};
    out_.other += OwnBytes(layout_.root());
    VENEER_TRY(const std::vector<std::string> names, NamesOf(layout_.root()));
    for (const std::string& name : names) {
      if (counted.contains(name)) continue;
      VENEER_TRY(const uint64_t bytes, BytesOf(layout_.root() + "/" + name));
      out_.other += bytes;
    }
    return std::move(out_);
  }

  Store& store_;
  const StoreLayout& layout_;
  TreeMeasure measure_;
  Needed needed_;
  Parts of_images_;
  Parts of_steps_;         // cached ones
  Parts of_needed_steps_;  // of them, those that are needed
  StoreUsage out_;
};

}  // namespace

Result<StoreUsage> MeasureUsage(Store& store) { return Measurer(store).Run(); }

Result<std::map<Digest, uint64_t>> LayerSizes(Store& store,
                                              const std::vector<ImageListing>& images) {
  std::map<Digest, uint64_t> sizes;
  for (const ImageListing& listing : images) {
    for (const Digest& diff_id : listing.image.diff_ids) {
      if (sizes.contains(diff_id)) continue;
      VENEER_TRY(const std::shared_ptr<IndexReader> index, store.OpenLayer(diff_id));
      sizes.emplace(diff_id, index->CountBytes());
    }
  }
  return sizes;
}

}  // namespace veneer
