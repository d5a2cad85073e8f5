// SPDX-License-Identifier: Apache-2.0
//
// Images as a tree of the layers they share: an image stands below the one whose layers it begins
// with, and where images begin with the same layers and none has those alone, a line stands for the
// layers. Pure.
#ifndef VENEER_TOOLS_FORMAT_LAYER_TREE_H_
#define VENEER_TOOLS_FORMAT_LAYER_TREE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"

namespace veneer {

struct LayerTreeLine {
  std::string branch;           // "│  └─ "
  std::optional<size_t> image;  // its number in the list given; nullopt: layers that are shared
  size_t first = 0;             // its own layers are [first, end) of `of`
  size_t end = 0;
  size_t of = 0;  // the number of an image that has them
};

// The lines from top to bottom. Images of the same layers stand side by side, the last of them with
// what comes below. Among siblings the one that has the image of the smallest number comes first.
std::vector<LayerTreeLine> MakeLayerTree(const std::vector<std::vector<Digest>>& images);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_LAYER_TREE_H_
