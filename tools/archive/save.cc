// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/save.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "layerdb/catalog/images.h"
#include "layerdb/model/reference.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/tar/block.h"
#include "layerdb/transfer/checked_layer_tar.h"
#include "tools/archive/archive_output.h"
#include "tools/archive/docker_archive_writer.h"
#include "tools/archive/oci_writer.h"
#include "tools/archive/save_input.h"
#include "tools/format/json.h"

namespace veneer {

namespace {

class Chooser {
 public:
  explicit Chooser(Store& store) : store_(store) {}

  Result<void> Add(const std::string& name) {
    const Result<Reference> reference = ParseReference(name);
    if (reference && !reference->tag && !reference->digest) {
      VENEER_TRY(const bool found, AddRepository(reference->Repository()));
      if (found) return {};
    }
    Result<FoundImage> found = store_.images().Find(name);
    if (!found && found.error().exit() == ExitCode::kUsage) {
      return MakeError(found.error().message(), ExitCode::kNotFound);
    }
    if (!found) return tl::unexpected(std::move(found).error());
    return AddImage(found->image, found->tag);
  }

  std::vector<ImageToSave> Take() {
    for (ImageToSave& image : images_) std::ranges::sort(image.tags);
    return std::move(images_);
  }

 private:
  // False when the store has no image of this repository.
  Result<bool> AddRepository(const std::string& repository) {
    if (!listed_) {
      VENEER_TRY(list_, store_.images().List());
      listed_ = true;
    }
    bool any = false;
    for (const ImageListing& listing : list_) {
      for (const std::string& tag : listing.tags) {
        if (SplitTagName(tag).first != repository) continue;
        any = true;
        VENEER_TRY_VOID(AddImage(listing.image, tag));
      }
    }
    return any;
  }

  Result<void> AddImage(const ImageRecord& record, const std::string& tag) {
    auto image = std::ranges::find_if(
        images_, [&](const ImageToSave& other) { return other.record.id == record.id; });
    if (image == images_.end()) {
      VENEER_TRY(std::string config, store_.ReadBlob(record.id, JsonLimits{}.bytes));
      if (Digest::OfBytes(config) != record.id) {
        return DamageError("blob " + record.id.ToString() + ", the config of " +
                           (tag.empty() ? "an image" : tag) + ", is damaged");
      }
      images_.push_back({record, std::move(config), {}});
      image = images_.end() - 1;
    }
    if (tag.empty() || std::ranges::find(image->tags, tag) != image->tags.end()) return {};
    image->tags.push_back(tag);
    return {};
  }

  Store& store_;
  std::vector<ImageToSave> images_;
  bool listed_ = false;
  std::vector<ImageListing> list_;
};

std::vector<Digest> LayersOf(const std::vector<ImageToSave>& images) {
  std::vector<Digest> layers;
  std::set<Digest> seen;
  for (const ImageToSave& image : images) {
    for (const Digest& diff_id : image.record.diff_ids) {
      if (seen.insert(diff_id).second) layers.push_back(diff_id);
    }
  }
  return layers;
}

Result<void> WriteTo(const SaveInput& input, const SaveOptions& options, const std::string& spool) {
  if (options.format == SaveFormat::kOciDirectory) {
    if (!options.output || *options.output == "-" || options.output->empty()) {
      return MakeError("oci-dir is a directory; name a new one with -o", ExitCode::kUsage);
    }
    return WriteOciDirectory(input, *options.output);
  }
  VENEER_TRY(const std::unique_ptr<ArchiveOutput> output,
             ArchiveOutput::Open(options.output, options.cancel));
  VENEER_TRY_VOID(options.format == SaveFormat::kDockerArchive
                      ? WriteDockerArchive(input, *output)
                      : WriteOciArchive(input, spool, *output));
  return output->Commit();
}

// `spool`: a directory for temporary files.
Result<void> SaveAll(const Store& store, std::vector<ImageToSave> images,
                     const SaveOptions& options, const std::string& spool) {
  SaveInput input{store, std::move(images), {}, options.compression, options.cancel, {}};
  input.layers = LayersOf(input.images);
  uint64_t total = 0;
  for (const Digest& layer : input.layers) {
    VENEER_TRY(const uint64_t size, LayerTarSize(store, layer));
    total += size;
  }
  uint64_t done = 0;
  input.advance = [&](uint64_t bytes) {
    done += bytes;
    if (options.progress) options.progress(done, total);
  };
  return WriteTo(input, options, spool);
}

}  // namespace

Result<SaveFormat> ParseSaveFormat(std::string_view text) {
  if (text == "docker-archive") return SaveFormat::kDockerArchive;
  if (text == "oci-archive") return SaveFormat::kOciArchive;
  if (text == "oci-dir") return SaveFormat::kOciDirectory;
  return MakeError(
      "there is no format \"" + std::string(text) + "\": docker-archive, oci-archive or oci-dir",
      ExitCode::kUsage);
}

Compression DefaultCompression(SaveFormat format) {
  if (format == SaveFormat::kDockerArchive) return {};
  return {CompressionKind::kGzip, 0};
}

Result<void> WriteLayer(const SaveInput& input, const Digest& diff_id, TarSink sink) {
  VENEER_TRY_VOID(
      WriteCheckedLayerTar(input.store, diff_id, [&](std::string_view bytes) -> Result<void> {
        VENEER_TRY_VOID(Cancellation::Check(input.cancel));
        VENEER_TRY_VOID(sink(bytes));
        input.advance(bytes.size());
        return {};
      }));
  return {};
}

Result<void> SaveImages(Store& store, const std::vector<std::string>& names,
                        const SaveOptions& options) {
  // Keeps prune away from what is being read.
  VENEER_TRY(const std::unique_ptr<StoreWriter> session, store.Begin());
  Chooser chooser(store);
  for (const std::string& name : names) VENEER_TRY_VOID(chooser.Add(name));
  return SaveAll(store, chooser.Take(), options, session->dir());
}

Result<void> SaveImage(Store& store, ImageToSave image, const SaveOptions& options) {
  VENEER_TRY(const std::unique_ptr<StoreWriter> session, store.Begin());
  std::vector<ImageToSave> images;
  std::ranges::sort(image.tags);
  images.push_back(std::move(image));
  return SaveAll(store, std::move(images), options, session->dir());
}

}  // namespace veneer
