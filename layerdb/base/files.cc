// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/files.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"

namespace veneer {
namespace {

constexpr std::chrono::milliseconds kLockPoll{5};

// Not blocked by a fifo that is in the way.
Result<Fd> OpenToSync(const std::string& path) {
  VENEER_TRY_CTX(Fd fd, sys::Open(sys::Path(path), O_RDONLY | O_NONBLOCK), path);
  return fd;
}

}  // namespace

Sys<Fd> OpenRegularFile(const std::string& path, int at) {
  Sys<Fd> fd = sys::Open({at, path.c_str()}, O_RDONLY | O_NONBLOCK);
  if (!fd && fd.error().code == ENXIO) return Fail(EIO);  // a socket
  if (!fd) return fd;
  VENEER_TRY(const struct stat st, sys::Stat({fd->get()}));
  if (S_ISREG(st.st_mode)) return fd;
  return Fail(S_ISDIR(st.st_mode) ? EISDIR : EIO);
}

Sys<std::string> ReadFile(const std::string& path, size_t limit) {
  VENEER_TRY(const Fd fd, sys::OpenFollowing(path, O_RDONLY));
  std::string text(limit, '\0');
  VENEER_TRY(const size_t n, sys::ReadAt(fd.get(), text.data(), text.size(), 0));
  text.resize(n);
  return text;
}

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

Sys<std::vector<std::string>> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  const Sys<Fd> fd = sys::OpenFollowing(path, O_RDONLY | O_DIRECTORY);
  if (!fd && fd.error().code == ENOENT) return names;
  if (!fd) return Fail(fd.error());
  VENEER_TRY_VOID(
      sys::ReadDir(fd->get(), [&](const sys::Dirent& entry) { names.emplace_back(entry.name); }));
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

Sys<void> EnsureDir(const std::string& path, mode_t mode) {
  const Sys<void> made = sys::MakeDir(sys::Path(path), mode);
  return !made && made.error().code == EEXIST ? Sys<void>() : made;
}

Sys<void> RemoveFile(const std::string& path) {
  const Sys<void> removed = sys::Unlink(sys::Path(path));
  return !removed && removed.error().code == ENOENT ? Sys<void>() : removed;
}

Sys<bool> TakeLock(int fd, LockMode mode, std::chrono::milliseconds patience) {
  const int operation = mode == LockMode::kShared ? LOCK_SH : LOCK_EX;
  if (patience == kForever) {
    VENEER_TRY_VOID(sys::Lock(fd, operation));
    return true;
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const Sys<void> locked = sys::Lock(fd, operation | LOCK_NB);
    if (locked) return true;
    if (locked.error().code != EWOULDBLOCK) return Fail(locked.error());
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kLockPoll);
  }
}

Sys<Fd> OpenLocked(const std::string& path, LockMode mode, std::chrono::milliseconds patience) {
  VENEER_TRY(Fd fd, sys::Open(sys::Path(path), O_RDWR | O_CREAT, 0600));
  VENEER_TRY(const bool locked, TakeLock(fd.get(), mode, patience));
  return locked ? std::move(fd) : Fd();
}

Sys<void> ReplaceByFile(const std::string& from, const std::string& to) {
  const Sys<void> renamed = sys::Rename(sys::Path(from), sys::Path(to), 0);
  if (renamed) return {};
  const int code = renamed.error().code;
  if (code != EISDIR && code != ENOTEMPTY && code != EEXIST) return renamed;
  VENEER_TRY_VOID(RemoveTree(to));
  return sys::Rename(sys::Path(from), sys::Path(to), 0);
}

}  // namespace veneer
