// SPDX-License-Identifier: Apache-2.0
//
// `veneer images --tree`.
#ifndef VENEER_TOOLS_CLI_IMAGES_TREE_H_
#define VENEER_TOOLS_CLI_IMAGES_TREE_H_

#include <string>
#include <vector>

#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"

namespace veneer {

struct TreeLook {
  bool whole_ids = false;
  bool bytes = false;
};

// The images with their names and sizes, each below the layers it begins with
// (tools/format/layer_tree.h). Opens every layer, and fails when one is damaged.
Result<std::string> ShowImagesTree(const Store& store, const std::vector<ImageListing>& listings,
                                   const TreeLook& look);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_IMAGES_TREE_H_
