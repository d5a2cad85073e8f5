// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/files.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "layerdb/base/log.h"
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

namespace {

int OperationOf(LockMode mode) { return mode == LockMode::kShared ? LOCK_SH : LOCK_EX; }

// False: somebody else has it.
Sys<bool> TryLock(int fd, LockMode mode) {
  const Sys<void> locked = sys::Lock(fd, OperationOf(mode) | LOCK_NB);
  if (!locked && locked.error().code != EWOULDBLOCK) return Fail(locked.error());
  return locked.has_value();
}

// Tells the log that a lock is waited for, and for how long that was.
class LoggedWait {
 public:
  explicit LoggedWait(int fd) {
    if (!IsLogged(LogLevel::kDebug)) return;
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    lock_ = sys::ReadLink(sys::Path(link)).value_or("?");
    LogDebug("waiting for the lock of " + lock_);
  }
  LoggedWait(const LoggedWait&) = delete;
  LoggedWait& operator=(const LoggedWait&) = delete;
  ~LoggedWait() {
    if (lock_.empty()) return;
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - since_);
    LogDebug("waited " + std::to_string(waited.count()) + " ms for the lock of " + lock_);
  }

 private:
  const std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::string lock_;
};

}  // namespace

Sys<bool> TakeLock(int fd, LockMode mode, std::chrono::milliseconds patience) {
  VENEER_TRY(const bool at_once, TryLock(fd, mode));
  if (at_once || patience == kNoPatience) return at_once;
  const LoggedWait wait(fd);
  if (patience == kForever) {
    VENEER_TRY_VOID(sys::Lock(fd, OperationOf(mode)));
    return true;
  }
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLockPoll);
    VENEER_TRY(const bool locked, TryLock(fd, mode));
    if (locked) return true;
  }
  return false;
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
