// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/tree_size.h"

#include <set>
#include <utility>

#include "layerdb/base/walk.h"

namespace veneer {

Sys<uint64_t> SizeOfTree(const std::string& path) {
  uint64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> links;
  VENEER_TRY_VOID(WalkTree(path, [&](const struct stat& st) {
    const bool first = st.st_nlink < 2 || links.emplace(st.st_dev, st.st_ino).second;
    if (S_ISREG(st.st_mode) && first) bytes += static_cast<uint64_t>(st.st_size);
    return true;
  }));
  return bytes;
}

}  // namespace veneer
