// SPDX-License-Identifier: Apache-2.0
//
// Store: one store directory (layout.h), open. It is the entry to everything kept there:
//
//   writing contents and layers   Begin() gives a StoreWriter (store_writer.h)
//   images and tags               images() (images.h)
//   containers                    containers() (containers.h)
//   blobs of layers elsewhere     layer_blobs() (layer_blobs.h)
//   steps of builds               step_results() (step_results.h)
//   merged trees                  EnsureTree()
//   garbage, damage               prune.h, fsck.h
//
// Several processes may use one store at once. Nothing is ever visible half-made: contents and
// layers are written in the writer's own directory or are unreferenced, and appear by one rename;
// images, tags and containers by one catalog commit. Order of locks, outer to inner: store lock,
// container lock, catalog transaction.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_STORE_STORE_H_
#define VENEER_LAYERDB_STORE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/index/seal.h"

namespace veneer {

class Containers;
class Images;
class IndexReader;
class KvDatabase;
class LayerBlobs;
class ObjectStore;
class StepResults;
class StoreWriter;

class Store {
 public:
  enum class Missing { kCreate, kFail };

  // Opens the store at `path`. A missing or empty directory is made into a
  // store (mode 0700), or is an error (kNotFound). Refuses a directory that holds other things, a
  // store of a newer format, and one whose catalog is damaged or lost (EUCLEAN).
  static Result<std::unique_ptr<Store>> Open(const std::string& path,
                                             Missing missing = Missing::kCreate);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const StoreLayout& layout() const { return layout_; }
  const std::string& path() const { return layout_.root(); }

  Images& images() { return *images_; }
  Containers& containers() { return *containers_; }
  LayerBlobs& layer_blobs() { return *layer_blobs_; }
  StepResults& step_results() { return *step_results_; }
  ObjectStore& objects() { return *objects_; }
  const ObjectStore& objects() const { return *objects_; }
  KvDatabase& catalog() { return *catalog_; }

  // Starts writing. Waits while a prune is deciding what is garbage (moments).
  Result<std::unique_ptr<StoreWriter>> Begin();

  // True when the layer is in the store.
  bool HasLayer(const Digest& diff_id) const;
  // Opens a layer's index; kNotFound when there is none.
  Result<std::shared_ptr<IndexReader>> OpenLayer(const Digest& diff_id) const;

  // The path of the merged tree of these layers (bottom first), which is made when it is missing or
  // damaged: from the longest chain of its layers that has a tree, in time that depends on the
  // layers above that. Of no layers: an empty one. kNotFound: a layer is not in the store.
  Result<std::string> EnsureTree(std::span<const Digest> diff_ids);

  // Takes all merged trees away, which are made again when they are needed. Mounts that use one go
  // on: until they end it is kept aside, and prune leaves its objects alone.
  Result<void> DropTrees() const;

  // A blob's contents. kNotFound when there is none; fails beyond `limit` bytes.
  Result<std::string> ReadBlob(const Digest& digest, uint64_t limit = uint64_t{64} << 20) const;
  Result<Fd> OpenBlob(const Digest& digest) const;
  bool HasBlob(const Digest& digest) const;

 private:
  explicit Store(std::string path);

  const StoreLayout layout_;
  std::unique_ptr<KvDatabase> catalog_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<Images> images_;
  std::unique_ptr<Containers> containers_;
  std::unique_ptr<LayerBlobs> layer_blobs_;
  std::unique_ptr<StepResults> step_results_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_STORE_H_
