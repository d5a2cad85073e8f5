// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/walk.h"

#include <sys/stat.h>

namespace veneer {

uint64_t DiskUsage::BytesOf(const struct stat& st) {
  if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 && !linked_.emplace(st.st_dev, st.st_ino).second) {
    return 0;
  }
  return static_cast<uint64_t>(st.st_blocks) * 512;
}

Sys<uint64_t> DiskUsage::Of(const std::string& path) {
  struct stat st;
  if (lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return 0;
    return FailErrno();
  }
  const uint64_t own = BytesOf(st);
  if (!S_ISDIR(st.st_mode)) return own;
  uint64_t below = 0;
  const Sys<void> walked = WalkTree(path, [&](const struct stat& each) {
    if (each.st_dev != st.st_dev) return false;
    below += BytesOf(each);
    return true;
  });
  const int code = walked ? 0 : walked.error().code;
  // Gone meanwhile, replaced, or not to be read.
  if (code != 0 && code != ENOENT && code != ENOTDIR && code != EACCES) return Fail(code);
  return own + below;
}

}  // namespace veneer
