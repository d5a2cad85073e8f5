// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/prune.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/catalog/lease.h"
#include "layerdb/catalog/lineage.h"
#include "layerdb/catalog/records.h"
#include "layerdb/catalog/references.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/index/kv.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/objects/pack_index.h"
#include "layerdb/store/store.h"

namespace veneer {
namespace {

constexpr auto kWaitForWriters = std::chrono::seconds(2);

struct ObjectRefHash {
  size_t operator()(const ObjectRef& ref) const {
    // The reference is a hash already.
    return Xxh64({reinterpret_cast<const char*>(ref.hash.data()), ref.hash.size()}, ref.seq);
  }
};
using ObjectSet = std::unordered_set<ObjectRef, ObjectRefHash>;

struct Child {
  std::string name;
  bool directory;
};

Result<std::vector<Child>> Children(const std::string& path) {
  const Sys<Fd> dir = sys::OpenFollowing(path, O_RDONLY | O_DIRECTORY);
  if (!dir && dir.error().code == ENOENT) return std::vector<Child>();
  if (!dir) return MakeError(dir.error(), path);
  std::vector<Child> children;
  const Sys<void> read = sys::ReadDir(dir->get(), [&](const sys::Dirent& entry) {
    bool directory = entry.type == DT_DIR;
    if (entry.type == DT_UNKNOWN) {
      const Sys<struct stat> st = sys::Stat({dir->get(), entry.name});
      directory = st && S_ISDIR(st->st_mode);
    }
    children.push_back({entry.name, directory});
  });
  if (!read) return MakeError(read.error(), path);
  return children;
}

uint64_t BytesOf(const struct stat& st) { return static_cast<uint64_t>(st.st_blocks) * 512; }

class Pruner {
 public:
  Pruner(Store& store, const PruneOptions& options)
      : store_(store), layout_(store.layout()), options_(options) {
    if (options.dry_run) gone_.containers = options.dead_containers;
  }

  Result<PruneReport> Run() {
    VENEER_TRY_CTX(const Fd lock,
                   OpenLocked(layout_.lock_file(), LockMode::kExclusive, kWaitForWriters),
                   layout_.lock_file());
    VENEER_TRY_VOID(SweepStaging());
    report_.writers_active = !lock;
    if (!lock) return Finish();
    if (options_.untagged_images) VENEER_TRY_VOID(RemoveUntagged());
    if (!options_.images.empty()) VENEER_TRY_VOID(RemoveChosen());
    VENEER_TRY(const References needed,
               CollectReferences(store_.images(), store_.containers(), gone_));
    VENEER_TRY_VOID(SweepContainers(needed));
    VENEER_TRY_VOID(SweepTrees(needed));
    VENEER_TRY_VOID(SweepBlobs(needed));
    // Layers go before the objects that only they need. If this stops in between, the next prune
    // goes on.
    VENEER_TRY_VOID(SweepLayers(needed));
    if (!options_.dry_run) VENEER_TRY_VOID(ForgetLayers(needed));
    VENEER_TRY(const ObjectSet objects, Mark(needed));
    VENEER_TRY_VOID(SweepObjects(objects));
    if (report_.objects > 0 && !options_.dry_run) ForgetSlices(objects);
    return Finish();
  }

 private:
  // What could not be removed is told only after everything else was.
  Result<PruneReport> Finish() {
    if (failure_) return tl::unexpected(std::move(*failure_));
    return report_;
  }

  void RecordFailure(int code, const std::string& path) {
    if (!failure_)
      failure_ = Error("remove " + path + ": " + ErrnoText(code), ExitCode::kFailed, code);
  }

  // Bytes on disk that go with this name: none, until it is the last.
  uint64_t BytesFreed(const struct stat& st) {
    if (st.st_nlink <= 1) return BytesOf(st);
    if (!options_.dry_run) return 0;
    return ++links_[{st.st_dev, st.st_ino}] == st.st_nlink ? BytesOf(st) : 0;
  }

  uint64_t BytesBelow(const std::string& path) {
    uint64_t bytes = 0;
    const Sys<void> walked = WalkTree(path, [&](const struct stat& st) {
      if (!S_ISDIR(st.st_mode)) bytes += BytesFreed(st);
      return true;
    });
    struct stat st;
    if (!walked && lstat(path.c_str(), &st) == 0 && !S_ISDIR(st.st_mode)) bytes = BytesFreed(st);
    return bytes;
  }

  bool Unlink(const std::string& path) {
    struct stat st;
    if (lstat(path.c_str(), &st) != 0) return false;
    const Sys<void> removed = options_.dry_run ? Sys<void>() : sys::Unlink(sys::Path(path));
    if (!removed) {
      RecordFailure(removed.error().code, path);
      return false;
    }
    report_.bytes_freed += BytesFreed(st);
    return true;
  }

  bool RemoveDirectory(const std::string& path) {
    if (options_.dry_run) {
      report_.bytes_freed += BytesBelow(path);
      return true;
    }
    const Sys<uint64_t> freed = RemoveTree(path);
    if (!freed) {
      RecordFailure(freed.error().code, path);
      return false;
    }
    report_.bytes_freed += *freed;
    return true;
  }

  // Whatever it is: a place may hold what somebody has put there.
  bool Discard(const std::string& parent, const Child& child) {
    const std::string path = parent + "/" + child.name;
    return child.directory ? RemoveDirectory(path) : Unlink(path);
  }

  // Takes a directory out of its place at once, so that nobody sees half of it, and removes it.
  bool MoveAway(const std::string& path) {
    if (options_.dry_run) return RemoveDirectory(path);
    // A rename needs no room, as a new directory would.
    const std::string trash =
        layout_.staging() + "/prune-" + std::filesystem::path(path).filename().string();
    // What a prune that was killed has left there.
    IgnoreError(RemoveTree(trash), "the rename says so");
    if (const Sys<void> moved = sys::Rename(sys::Path(path), sys::Path(trash), 0); !moved) {
      RecordFailure(moved.error().code, path);
      return false;
    }
    return RemoveDirectory(trash);
  }

  // Directories whose owner is dead: it would hold a lock.
  Result<void> SweepStaging() {
    VENEER_TRY(const std::vector<Child> children, Children(layout_.staging()));
    for (const Child& child : children) {
      const std::string path = layout_.staging() + "/" + child.name;
      if (!child.directory) {
        if (Unlink(path)) ++report_.staging;
        continue;
      }
      const Sys<Fd> dir = sys::Open(sys::Path(path), O_RDONLY | O_DIRECTORY);
      if (!dir) continue;
      if (!TakeLock(dir->get(), LockMode::kExclusive, kNoPatience).value_or(false)) continue;
      if (RemoveDirectory(path)) ++report_.staging;
    }
    return {};
  }

  Result<void> RemoveUntagged() {
    VENEER_TRY(const References all,
               CollectReferences(store_.images(), store_.containers(), gone_));
    const std::set<Digest> used = UsedImages(all.containers);
    std::set<Digest>& gone = gone_.images;
    for (const ImageListing& listing : all.images) {
      const Digest& id = listing.image.id;
      if (listing.tags.empty() && !listing.image.step && !used.contains(id)) gone.insert(id);
    }
    AddParents(all.images, used, &gone);
    KeepParents(all.images, &gone);
    report_.images = gone.size();
    if (gone.empty() || options_.dry_run) return {};
    return store_.catalog().Write([&](KvTxn& txn) -> Result<void> {
      for (const Digest& id : gone) VENEER_TRY_VOID(txn.Erase(ImageKey(id)));
      return {};
    });
  }

  Result<void> RemoveChosen() {
    VENEER_TRY(const References all,
               CollectReferences(store_.images(), store_.containers(), gone_));
    const std::set<Digest> used = UsedImages(all.containers);
    std::set<Digest> going;
    for (const ImageListing& listing : all.images) {
      const Digest& id = listing.image.id;
      if (!options_.images.contains(id) || used.contains(id)) continue;
      if (options_.keep_named && !listing.tags.empty()) continue;
      if (options_.keep_asked_for && !listing.image.step) continue;
      going.insert(id);
    }
    KeepParents(all.images, &going);
    std::vector<RemovedImage>& removed = report_.removed_images;
    for (const ImageListing& listing : all.images) {
      if (!going.contains(listing.image.id)) continue;
      removed.push_back({listing.tags, listing.image.id, {}, {}, {}, std::nullopt});
    }
    gone_.images.merge(going);
    NameChains(all, removed);
    report_.images += removed.size();
    if (removed.empty() || options_.dry_run) return {};
    return store_.catalog().Write([&](KvTxn& txn) -> Result<void> {
      for (const RemovedImage& image : removed) {
        for (const std::string& tag : image.untagged) VENEER_TRY_VOID(txn.Erase(TagKey(tag)));
        VENEER_TRY_VOID(txn.Erase(ImageKey(*image.deleted)));
      }
      return {};
    });
  }

  // The layers upon one another that go with these images, each with the last that had it.
  void NameChains(const References& all, std::vector<RemovedImage>& removed) {
    std::set<Digest> kept;
    std::map<Digest, const ImageRecord*> records;
    for (const ImageListing& listing : all.images) {
      records[listing.image.id] = &listing.image;
      if (gone_.images.contains(listing.image.id)) continue;
      for (const Digest& chain : ChainsAbove(listing.image.diff_ids, 0)) kept.insert(chain);
    }
    for (const ContainerRecord& container : all.containers) {
      for (const Digest& chain : ChainsAbove(container.diff_ids, 0)) kept.insert(chain);
    }
    for (auto image = removed.rbegin(); image != removed.rend(); ++image) {
      for (const Digest& chain : ChainsAbove(records[*image->deleted]->diff_ids, 0)) {
        if (kept.insert(chain).second) image->chains.push_back(chain);
      }
    }
  }

  Result<void> SweepContainers(const References& needed) {
    VENEER_TRY(const std::vector<Child> children, Children(layout_.containers()));
    for (const Child& child : children) {
      if (gone_.containers.contains(child.name)) continue;
      const bool known = std::any_of(
          needed.containers.begin(), needed.containers.end(),
          [&](const ContainerRecord& container) { return container.name == child.name; });
      if (known || IsBeingRenamed(child.name)) continue;
      // Whoever took the record away, something still writes here.
      if (IsLeased(layout_.work(child.name))) continue;
      if (MoveAway(layout_.container(child.name))) ++report_.containers;
    }
    return {};
  }

  // The directory of a container that a killed rename left under the new name; it gets its old one
  // again.
  bool IsBeingRenamed(const std::string& directory) {
    if (options_.dry_run) {
      return access((layout_.container(directory) + "/renamed-from").c_str(), F_OK) == 0;
    }
    bool restored = false;
    const Result<void> read = store_.catalog().Read([&](const KvTxn& txn) -> Result<void> {
      restored = RestoreRenamed(layout_, txn, directory);
      return {};
    });
    return !read || restored;
  }

  Result<void> SweepTrees(const References& needed) {
    VENEER_TRY(const std::vector<Child> children, Children(layout_.trees()));
    for (const Child& child : children) {
      const size_t end = child.name.find('.');
      const std::optional<Digest> chain_id = Digest::FromHex(child.name.substr(0, end));
      if (chain_id && (end == std::string::npos ? needed.trees.contains(*chain_id)
                                                : IsMounted(needed, *chain_id))) {
        trees_.push_back(layout_.trees() + "/" + child.name);
      } else if (Discard(layout_.trees(), child)) {
        ++report_.trees;
      }
    }
    return {};
  }

  bool IsMounted(const References& needed, const Digest& chain_id) {
    return std::any_of(
        needed.containers.begin(), needed.containers.end(), [&](const ContainerRecord& container) {
          return container.chain_id == chain_id && IsLeased(layout_.work(container.name));
        });
  }

  Result<void> SweepBlobs(const References& needed) {
    VENEER_TRY(const std::vector<Child> children, Children(layout_.blobs()));
    for (const Child& child : children) {
      const std::optional<Digest> digest = Digest::FromHex(child.name);
      if (digest && needed.blobs.contains(*digest)) continue;
      if (Discard(layout_.blobs(), child)) ++report_.blobs;
    }
    return {};
  }

  Result<void> SweepLayers(const References& needed) {
    VENEER_TRY(const std::vector<Child> children, Children(layout_.layers()));
    for (const Child& child : children) {
      const std::optional<Digest> diff_id = Digest::FromHex(child.name);
      if (diff_id && needed.layers.contains(*diff_id)) continue;
      if (!MoveAway(layout_.layers() + "/" + child.name)) continue;
      ++report_.layers;
    }
    return {};
  }

  // What is known of layers that are gone: their blobs, and the steps of builds that made them.
  Result<void> ForgetLayers(const References& needed) {
    std::vector<std::string> gone;
    VENEER_TRY_VOID(store_.catalog().Read([&](const KvTxn& txn) -> Result<void> {
      gone.clear();
      VENEER_TRY_VOID(txn.Scan(kLayerBlobsPrefix, [&](std::string_view key, std::string_view) {
        const auto diff_id = Digest::FromHex(key.substr(kLayerBlobsPrefix.size()));
        if (!diff_id || !needed.layers.contains(*diff_id)) gone.emplace_back(key);
        return true;
      }));
      return txn.Scan(kStepPrefix, [&](std::string_view key, std::string_view bytes) {
        const auto step = DecodeStep(bytes);
        if (!step || !needed.layers.contains(step->diff_id)) gone.emplace_back(key);
        return true;
      });
    }));
    if (gone.empty()) return {};
    return store_.catalog().Write([&](KvTxn& txn) -> Result<void> {
      for (const std::string& key : gone) VENEER_TRY_VOID(txn.Erase(key));
      return {};
    });
  }

  // The objects of all layers that are needed. A layer that cannot be read might need any object,
  // so then none is removed. A tree may be of a layer as it was before a load replaced it; one that
  // cannot be read is used by nobody.
  Result<ObjectSet> Mark(const References& needed) {
    ObjectSet objects;
    const auto mark = [&](const IndexReader& index) {
      return index.ForEach([&](uint64_t, std::string_view, const IndexReader::Record& found) {
        if (found.entry.whiteout()) return true;
        if (const std::optional<ObjectRef> ref = found.entry.object()) objects.insert(*ref);
        return true;
      });
    };
    for (const auto& [diff_id, images] : needed.layers) {
      VENEER_TRY(const std::shared_ptr<IndexReader> index, store_.OpenLayer(diff_id));
      if (const Sys<void> read = mark(*index); !read) return MakeError(read.error(), index->path());
    }
    for (const std::string& path : trees_) {
      const Result<std::shared_ptr<IndexReader>> index = IndexReader::Open(path);
      if (!index) continue;
      if (const Sys<void> read = mark(**index); !read) return MakeError(read.error(), path);
    }
    return objects;
  }

  Result<void> SweepObjects(const ObjectSet& needed) {
    VENEER_TRY(const std::vector<Child> shards, Children(layout_.objects()));
    for (const Child& shard : shards) {
      if (!shard.directory) {
        if (Unlink(layout_.objects() + "/" + shard.name)) ++report_.objects;
        continue;
      }
      VENEER_TRY(const std::vector<Child> children, Children(layout_.objects() + "/" + shard.name));
      for (const Child& child : children) {
        const std::string path = shard.name + "/" + child.name;
        const std::optional<ObjectRef> ref = ParseObjectPath(path);
        if (ref && needed.contains(*ref)) continue;
        if (Discard(layout_.objects() + "/" + shard.name, child)) ++report_.objects;
      }
    }
    return {};
  }

  // What stays behind when this fails is no harm.
  void ForgetSlices(const ObjectSet& needed) {
    if (!PackIndex::Exists(layout_.slices())) return;
    const Result<std::unique_ptr<PackIndex>> table = PackIndex::Open(layout_.slices());
    const Result<void> done =
        table ? (*table)->Forget([&](const ObjectRef& ref) { return needed.contains(ref); })
              : Result<void>(tl::unexpected(table.error()));
    if (!done)
      LogWarning("the table of small contents keeps more than it needs: " + done.error().message());
  }

  Store& store_;
  const StoreLayout& layout_;
  const PruneOptions options_;
  Unreferenced gone_;                                 // what a dry run only counts
  std::vector<std::string> trees_;                    // those that stay
  std::map<std::pair<dev_t, ino_t>, nlink_t> links_;  // names that a dry run would have removed
  PruneReport report_;
  std::optional<Error> failure_;
};

}  // namespace

Result<PruneReport> Prune(Store& store, const PruneOptions& options) {
  return Pruner(store, options).Run();
}

}  // namespace veneer
