// SPDX-License-Identifier: Apache-2.0
//
// How layers become one tree, and what changed between two: the rules, name by name. Pure; the
// walks that use them are store/tree, transfer/container_diff and transfer/change_walk.
//
// Source of the rules: kernel overlayfs.rst ("Whiteouts and opaque directories", "Merged
// directories") and the OCI image-spec layer.md ("Whiteouts"), which agree: the topmost layer that
// says anything of a name decides; only directories merge, with the attributes of the topmost,
// until a whiteout, something that is no directory, or an opaque directory ends it.
#ifndef VENEER_LAYERDB_MODEL_LAYER_RULES_H_
#define VENEER_LAYERDB_MODEL_LAYER_RULES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/model/entry.h"

namespace veneer {

// What one layer says of one name.
enum class NameKind : uint8_t {
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
MergeStep DecideMerge(NameKind above, NameKind below);

enum class DiffKind : char { kAdded = 'A', kChanged = 'C', kDeleted = 'D' };

struct DiffEntry {
  DiffKind kind = DiffKind::kChanged;
  std::string path;  // from the root, with a leading slash
  friend bool operator==(const DiffEntry&, const DiffEntry&) = default;
};

// Of a directory that is told only because something in it changed.
inline constexpr const char* kInside = "inside";

// What of an object is another in `above` than in `below`: "type" alone, or some of "contents",
// "mode", "owner", "time", "xattrs" and "device". What attributes cannot tell, the caller does.
std::vector<std::string> ChangedParts(const Attr& below, const Attr& above, bool contents,
                                      bool xattrs);

// The same with the bytes of the regular files it is about: of the file itself, or of all that was
// in a directory that is one no more. 0 for everything else.
struct SizedDiffEntry {
  DiffEntry entry;
  uint64_t before = 0;
  uint64_t after = 0;
  // Of what is changed: what of it is another, in words of ChangedParts(), or kInside alone.
  std::vector<std::string> parts = {};
  friend bool operator==(const SizedDiffEntry&, const SizedDiffEntry&) = default;
};

// What one name became: `below` in the image, `above` in the merged tree; nullopt: not there.
// nullopt: no line (the name is in neither). A name that is in both counts as changed: the caller
// asks only about names the writable layer says something of, as docker diff does, so a file opened
// for writing and left as it was is one.
std::optional<DiffKind> DecideDiff(const std::optional<FileType>& below,
                                   const std::optional<FileType>& above);

// Paths in the order of a walk: a directory before what is in it, and siblings in byte order ('/'
// sorts before every other byte).
bool DiffPathLess(const std::string& a, const std::string& b);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_LAYER_RULES_H_
