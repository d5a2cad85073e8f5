// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/diff.h"

#include <algorithm>

namespace veneer {

std::optional<DiffKind> DecideDiff(const std::optional<FileType>& below,
                                   const std::optional<FileType>& above) {
  if (below && above) return DiffKind::kChanged;
  if (above) return DiffKind::kAdded;
  if (below) return DiffKind::kDeleted;
  return std::nullopt;
}

bool DiffPathLess(const std::string& a, const std::string& b) {
  const auto rank = [](char c) { return c == '/' ? 0 : static_cast<uint8_t>(c); };
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [&](char x, char y) { return rank(x) < rank(y); });
}

}  // namespace veneer
