// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/names.h"

#include "layerdb/base/printable.h"

namespace veneer {

tl::unexpected<Error> BadName(std::string_view name, std::string_view why) {
  return MakeError("\"" + PrintablePath(name) + "\": " + std::string(why));
}

Result<TreePath> ParseTarPath(std::string_view name, size_t max_component) {
  if (name.find('\0') != std::string_view::npos) return BadName(name, "a name with a NUL byte");
  TreePath path;
  while (!name.empty()) {
    const size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!path.empty()) path.pop_back();
      continue;
    }
    if (part.size() > max_component) return BadName(part, ErrnoText(ENAMETOOLONG));
    if (path.size() == kMaxTreeDepth) {
      return MakeError("a path deeper than " + std::to_string(kMaxTreeDepth) + " directories");
    }
    path.push_back(part);
  }
  return path;
}

}  // namespace veneer
