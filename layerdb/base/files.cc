// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/files.h"

#include <sys/stat.h>

#include "layerdb/base/sys.h"

namespace veneer {

Sys<Fd> OpenRegularFile(const std::string& path, int at) {
  Fd fd(openat(at, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno == ENXIO ? Fail(EIO) : FailErrno();  // ENXIO: a socket
  VENEER_TRY(const struct stat st, sys::Stat({fd.get()}));
  if (S_ISREG(st.st_mode)) return fd;
  return Fail(S_ISDIR(st.st_mode) ? EISDIR : EIO);
}

Sys<std::vector<std::string>> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  const Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return names;
  if (!fd) return FailErrno();
  VENEER_TRY_VOID(
      sys::ReadDir(fd.get(), [&](const sys::Dirent& entry) { names.emplace_back(entry.name); }));
  return names;
}

}  // namespace veneer
