// SPDX-License-Identifier: Apache-2.0
//
// What makes one layer another, each by itself and not upon the layers below it: whether two builds
// have made the same.
#ifndef VENEER_LAYERDB_TRANSFER_LAYER_DIFF_H_
#define VENEER_LAYERDB_TRANSFER_LAYER_DIFF_H_

#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/model/layer_rules.h"
#include "layerdb/store/store.h"

namespace veneer {

// Of a path that a layer deletes: the deletion itself is what one of the two has. Of a directory
// that one of the two makes opaque.
inline constexpr const char* kDeletion = "deletion";
inline constexpr const char* kOpaque = "opaque";

// Every path that one of the layers says something of and the other does not, or that they say
// something else of, in the order of an archive. The parts are those of DiffImages(), kLinks (the
// file has not as many names), kDeletion and kOpaque. No path is told for the sake of another. In
// time that depends on the layers. Errors: kNotFound, damage.
Result<std::vector<SizedDiffEntry>> DiffLayers(const Store& store, const Digest& below,
                                               const Digest& above);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_LAYER_DIFF_H_
