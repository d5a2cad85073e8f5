// SPDX-License-Identifier: Apache-2.0
//
// LayerSource: a layer of the store as entries in the order of a tree: every name once, directories
// before what is in them, whiteouts and opaque marks as they are.
#ifndef VENEER_LAYERDB_TRANSFER_LAYER_SOURCE_H_
#define VENEER_LAYERDB_TRANSFER_LAYER_SOURCE_H_

#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/entry_source.h"

namespace veneer {

class LayerSource final : public EntrySource {
 public:
  // All outlive it; `cancel` may be null.
  LayerSource(const IndexedLayer& layer, const ObjectStore& objects, const Cancellation* cancel);
  Result<void> Run(EntrySink& sink) override;

 private:
  struct PathNode {
    std::string path;
    LayerObject object;
    bool needs_entry = false;  // without one, a reader would make another directory
  };

  Result<void> AddNode(const PathNode& node, EntrySink& sink);
  Result<void> ListChildren(const PathNode& node, EntrySink& sink, std::vector<PathNode>* out);

  const IndexedLayer& layer_;
  StoredContents contents_;
  const Cancellation* const cancel_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_LAYER_SOURCE_H_
