// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/layer_rules.h"

#include <algorithm>

namespace veneer {

MergeStep DecideMerge(NameKind above, NameKind below) {
  const bool there = below != NameKind::kNothing;
  switch (above) {
    case NameKind::kNothing: return MergeStep::kKeep;
    case NameKind::kWhiteout: return there ? MergeStep::kRemove : MergeStep::kKeep;
    case NameKind::kDirectory:
      return below == NameKind::kDirectory ? MergeStep::kMerge : MergeStep::kReplace;
    case NameKind::kOther:
    case NameKind::kOpaqueDirectory: break;
  }
  return MergeStep::kReplace;
}

std::optional<DiffKind> DecideDiff(const std::optional<FileType>& below,
                                   const std::optional<FileType>& above) {
  if (below && above) return DiffKind::kChanged;
  if (above) return DiffKind::kAdded;
  if (below) return DiffKind::kDeleted;
  return std::nullopt;
}

std::vector<std::string> ChangedParts(const Attr& below, const Attr& above, bool contents,
                                      bool xattrs) {
  if (below.type != above.type) return {"type"};
  std::vector<std::string> parts;
  const auto add = [&](bool differs, const char* part) {
    if (differs) parts.emplace_back(part);
  };
  add(contents, "contents");
  add(below.mode != above.mode, "mode");
  add(below.uid != above.uid || below.gid != above.gid, "owner");
  add(below.mtime != above.mtime, "time");
  add(xattrs, "xattrs");
  add(below.rdev_major != above.rdev_major || below.rdev_minor != above.rdev_minor, "device");
  return parts;
}

bool DiffPathLess(const std::string& a, const std::string& b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<uint8_t>(c); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

}  // namespace veneer
