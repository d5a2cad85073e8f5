// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"

namespace veneer {
namespace {

// Not blocked by a fifo that is in the way.
Result<Fd> OpenToSync(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return MakeError(Errno{errno}, path);
  return fd;
}

}  // namespace

Sys<Fd> OpenRegularFile(const std::string& path, int at) {
  Fd fd(openat(at, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno == ENXIO ? Fail(EIO) : FailErrno();  // ENXIO: a socket
  VENEER_TRY(const struct stat st, sys::Stat({fd.get()}));
  if (S_ISREG(st.st_mode)) return fd;
  return Fail(S_ISDIR(st.st_mode) ? EISDIR : EIO);
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

Sys<std::vector<std::string>> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  const Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return names;
  if (!fd) return FailErrno();
  VENEER_TRY_VOID(
      sys::ReadDir(fd.get(), [&](const sys::Dirent& entry) { names.emplace_back(entry.name); }));
  return names;
}

Result<void> SyncPath(const std::string& path) {
  VENEER_TRY(const Fd fd, OpenToSync(path));
  VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), false), "sync " + path);
  return {};
}

Result<void> SyncDirectoryOfFiles(const std::string& path) {
  VENEER_TRY(const Fd directory, OpenToSync(path));
  std::vector<std::string> names;
  VENEER_TRY_CTX_VOID(
      sys::ReadDir(directory.get(),
                   [&](const sys::Dirent& entry) { names.emplace_back(entry.name); }),
      path);
  for (const std::string& name : names) VENEER_TRY_VOID(SyncPath(path + "/" + name));
  VENEER_TRY_CTX_VOID(sys::Sync(directory.get(), false), "sync " + path);
  return {};
}

Sys<void> ReplaceByFile(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return {};
  if (errno != EISDIR && errno != ENOTEMPTY && errno != EEXIST) return FailErrno();
  VENEER_TRY_VOID(RemoveTree(to));
  if (rename(from.c_str(), to.c_str()) != 0) return FailErrno();
  return {};
}

}  // namespace veneer
