// SPDX-License-Identifier: Apache-2.0
//
// How layers become one tree: the rules, name by name. Pure.
//
// Source of the rules: kernel overlayfs.rst ("Whiteouts and opaque directories", "Merged
// directories") and the OCI image-spec layer.md ("Whiteouts"), which agree: the topmost layer that
// says anything of a name decides; only directories merge, with the attributes of the topmost,
// until a whiteout, something that is no directory, or an opaque directory ends it.
#ifndef VENEER_LAYERDB_MODEL_MERGE_H_
#define VENEER_LAYERDB_MODEL_MERGE_H_

#include <cstdint>

namespace veneer {

// What one layer says of one name.
enum class NameSays : uint8_t {
  kNothing,
  kWhiteout,
  kOther,            // anything but a directory
  kDirectory,        // what is below shows through
  kOpaqueDirectory,  // nothing below shows through
};

// What becomes of a name of the tree below when one layer is put on top.
enum class MergeStep : uint8_t {
  kKeep,     // stays as it is (or stays absent)
  kRemove,   // disappears, with everything in it
  kReplace,  // becomes what the layer says; what was there disappears with everything in it
  kMerge,    // both are directories: contents merge, attributes are the layer's
};
// `below`: kNothing, kOther or kDirectory, since a tree has no marks.
MergeStep DecideMerge(NameSays above, NameSays below);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_MERGE_H_
