// SPDX-License-Identifier: Apache-2.0
//
// What makes one image another: the paths that differ between two merged trees, in the form of a
// container's diff.
#ifndef VENEER_LAYERDB_TRANSFER_IMAGE_DIFF_H_
#define VENEER_LAYERDB_TRANSFER_IMAGE_DIFF_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/model/layer_rules.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/store/store.h"

namespace veneer {

// Every path that is in one of the trees of these layers (bottom first) and not in the other, or
// differs in type, owner, mode, time, xattrs, target, device or contents; sorted as DiffContainer()
// sorts, with its rules: a directory that something changed in is changed too, what is in a deleted
// directory is not listed, the root is only when it is itself another. In time that depends on the
// trees; contents are read only where the store does not show that they are equal or are not.
// Errors: an index or object that is damaged.
//
// `links`: a file that is the same is told all the same, with the part kLinks alone, where what the
// other changes leave of the file below has other names than it: two names were linked, or are no
// longer one file. So a layer of what is told makes the tree `above` of the tree `below`.
enum class DiffLinks { kIgnore, kTell };
Result<std::vector<SizedDiffEntry>> DiffImages(Store& store, std::span<const Digest> below,
                                               std::span<const Digest> above,
                                               DiffLinks links = DiffLinks::kIgnore);
inline constexpr const char* kLinks = "links";

// What of an object is another in `above`, as ChangedParts() has it; nothing: they are equal.
// REQUIRES: no whiteouts. Errors: an object that is damaged.
Result<std::vector<std::string>> DifferingParts(const ObjectStore& objects, const EntryView& below,
                                                const EntryView& above);

// The bytes of the regular files in and below a directory of a tree, each file once. EUCLEAN: the
// index is damaged.
Result<uint64_t> BytesBelow(const IndexReader& tree, uint64_t directory);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_IMAGE_DIFF_H_
