// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/durable.h"

#include <fcntl.h>

#include <vector>

#include "layerdb/base/sys.h"

namespace veneer {
namespace {

// Not blocked by a fifo that is in the way.
Result<Fd> OpenToSync(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return MakeError(Errno{errno}, path);
  return fd;
}

}  // namespace

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

}  // namespace veneer
