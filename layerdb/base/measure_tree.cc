// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <string>

#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"

namespace veneer {

void TreeMeasure::Add(const struct stat& st, TreeSize* size) {
  if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 && !linked_.emplace(st.st_dev, st.st_ino).second) {
    return;
  }
  size->on_disk += static_cast<uint64_t>(st.st_blocks) * 512;
  if (S_ISREG(st.st_mode)) size->contents += static_cast<uint64_t>(st.st_size);
}

Sys<TreeSize> TreeMeasure::Of(const std::string& path) {
  TreeSize size;
  const Sys<struct stat> top = sys::Stat(sys::Path(path));
  if (!top && top.error().code == ENOENT) return size;
  if (!top) return Fail(top.error());
  Add(*top, &size);
  if (!S_ISDIR(top->st_mode)) return size;
  const Sys<void> walked = WalkTree(path, [&](const struct stat& each) {
    if (each.st_dev != top->st_dev) return false;
    Add(each, &size);
    return true;
  });
  const int code = walked ? 0 : walked.error().code;
  // Gone meanwhile, replaced, or not to be read.
  if (code != 0 && code != ENOENT && code != ENOTDIR && code != EACCES) return Fail(code);
  return size;
}

}  // namespace veneer
