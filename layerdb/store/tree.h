// SPDX-License-Identifier: Apache-2.0
//
// Merged trees: the index of a whole image, made from the indexes of its layers.
//
// A tree is made by putting layer after layer on top of the tree below, in time that depends on the
// layer and not on the tree. Inode numbers follow from the layers alone: an object that layer k
// brings has the number it has in that layer, plus the numbers used by the layers below; a
// directory keeps the number of the lowest layer that it goes back to. So a tree that is made again
// is the same, and what a layer does not change keeps its number.
#ifndef VENEER_LAYERDB_STORE_TREE_H_
#define VENEER_LAYERDB_STORE_TREE_H_

#include <memory>
#include <span>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/index/index_writer.h"

namespace veneer {

// Changes `tree` into the tree that it becomes with `layer` on top.
Result<void> ApplyLayer(IndexEditor& tree, const IndexReader& layer);

// Makes the file `path`: the tree in file `base` (empty: nothing) with `layers`, bottom first, on
// top. When there is nothing to do, the file is another name of the one that holds it already: a
// layer without marks is a tree.
Result<void> BuildTree(const std::string& path, const std::string& base,
                       std::span<const std::shared_ptr<IndexReader>> layers);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_TREE_H_
