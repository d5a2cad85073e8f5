// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/images_tree.h"

#include <map>

#include "layerdb/index/index_reader.h"
#include "tools/cli/context.h"
#include "tools/format/layer_tree.h"
#include "tools/format/table.h"

namespace veneer {

namespace {

// The sizes of layers, each looked up once.
class LayerSizeCache {
 public:
  explicit LayerSizeCache(const Store& store) : store_(store) {}

  Result<uint64_t> Of(const std::vector<Digest>& layers, size_t first, size_t end) {
    uint64_t bytes = 0;
    for (size_t i = first; i < end; ++i) {
      const auto known = known_.find(layers[i]);
      if (known != known_.end()) {
        bytes += known->second;
        continue;
      }
      VENEER_TRY(const std::shared_ptr<IndexReader> layer, store_.OpenLayer(layers[i]));
      const uint64_t own = known_[layers[i]] = layer->CountBytes();
      bytes += own;
    }
    return bytes;
  }

 private:
  const Store& store_;
  std::map<Digest, uint64_t> known_;
};

std::string Names(const ImageListing& listing) {
  std::string names;
  for (const std::string& name : listing.tags) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "<none>" : names;
}

}  // namespace

Result<std::string> ShowImagesTree(const Store& store, const std::vector<ImageListing>& listings,
                                   const TreeLook& look) {
  std::vector<std::vector<Digest>> layers;
  for (const ImageListing& listing : listings) layers.push_back(listing.image.diff_ids);
  LayerSizeCache sizes(store);
  Table table({"IMAGE", "IMAGE ID", "LAYERS", "SIZE", "OWN SIZE"});
  for (const LayerTreeLine& line : MakeLayerTree(layers)) {
    const size_t own = line.end - line.first;
    VENEER_TRY(const uint64_t all_bytes, sizes.Of(layers[line.of], 0, line.end));
    VENEER_TRY(const uint64_t own_bytes, sizes.Of(layers[line.of], line.first, line.end));
    const std::string name = line.image ? Names(listings[*line.image])
                                        : "<" + Count(own, "shared layer>", "shared layers>");
    const std::string id = line.image ? ShowId(listings[*line.image].image.id, look.whole_ids) : "";
    table.Add({line.branch + name, id, std::to_string(line.end), ShowSize(all_bytes, look.bytes),
               ShowSize(own_bytes, look.bytes)});
  }
  return table.ToString();
}

}  // namespace veneer
