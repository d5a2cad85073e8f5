// SPDX-License-Identifier: Apache-2.0
//
// Names in an archive as paths in a tree. A leading "/" or "./", empty components and "." mean
// nothing, and ".." goes up, but never above the root (path.Clean of Go, which Docker uses on every
// name). Pure.
#ifndef VENEER_LAYERDB_TAR_NAMES_H_
#define VENEER_LAYERDB_TAR_NAMES_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

// The components of a path from the root of a tree; empty: the root itself. They view the text they
// were made from.
using TreePath = std::vector<std::string_view>;

// The deepest place of a tree that an archive may name.
inline constexpr size_t kMaxTreeDepth = 8192;

// "\"NAME\": WHY", with the name made fit to be shown.
tl::unexpected<Error> BadName(std::string_view name, std::string_view why);

// Splits and normalises a name. Errors: a NUL, a component of more than `max_component` bytes, a
// place deeper than kMaxTreeDepth.
Result<TreePath> ParseTarPath(std::string_view name, size_t max_component);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_NAMES_H_
