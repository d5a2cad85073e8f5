// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/auth_file_change.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr std::chrono::seconds kLockPatience{10};
constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kSharedMode = 0755;

// Where the bytes of `path` are: the same path where nothing is there.
std::string TargetOf(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), &::free);
  return real != nullptr ? std::string(real.get()) : path;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Those above may be of all users, as /run/containers is.
Result<void> MakeDirectories(const std::string& path, mode_t mode = kDirectoryMode) {
  if (Exists(path)) return {};
  VENEER_TRY_VOID(MakeDirectories(DirectoryOf(path), kSharedMode));
  VENEER_TRY_CTX_VOID(EnsureDir(path, mode), "make the directory " + path);
  return {};
}

// The new contents beside the file, durable and with its owner.
Sys<void> WriteNew(const std::string& path, const std::string& text, const Sys<struct stat>& old) {
  // Left by a process that was killed.
  VENEER_TRY_VOID(RemoveFile(path));
  VENEER_TRY(const Fd fd, sys::Open(sys::Path(path), O_WRONLY | O_CREAT | O_EXCL, kFileMode));
  if (old && old->st_uid != ::geteuid()) {
    VENEER_TRY_VOID(sys::Chown({fd.get()}, old->st_uid, old->st_gid));
  }
  VENEER_TRY_VOID(sys::WriteAt(fd.get(), text, 0));
  return sys::Sync(fd.get(), false);
}

Sys<void> Replace(const std::string& path, const std::string& text, const Sys<struct stat>& old) {
  const std::string fresh = DirectoryOf(path) + "/." + path.substr(path.rfind('/') + 1) + ".veneer";
  Sys<void> done = WriteNew(fresh, text, old);
  if (done) done = sys::Rename(sys::Path(fresh), sys::Path(path), 0);
  if (!done) {
    IgnoreError(RemoveFile(fresh), "the first failure is told");
    return done;
  }
  VENEER_TRY(const Fd directory, sys::OpenFollowing(DirectoryOf(path), O_RDONLY | O_DIRECTORY));
  return sys::Sync(directory.get(), false);
}

}  // namespace

Result<void> ChangeAuthFile(const std::string& path, FunctionRef<Result<void>(AuthFile*)> change) {
  const std::string target = TargetOf(path);
  VENEER_TRY_VOID(MakeDirectories(DirectoryOf(target)));
  const std::string lock_path = target + ".lock";
  VENEER_TRY_CTX(const Fd lock, OpenLocked(lock_path, LockMode::kExclusive, kLockPatience),
                 "lock " + lock_path);
  if (!lock) return MakeError(path + ": another process changes it and does not end");
  const Sys<struct stat> old = sys::Stat(sys::Path(target));
  if (old && !S_ISREG(old->st_mode)) return MakeError(path + ": not a regular file");
  VENEER_TRY(AuthFile file, AuthFile::Read(path));
  VENEER_TRY_VOID(change(&file));
  VENEER_TRY_CTX_VOID(Replace(target, file.Text(), old), "write " + path);
  return {};
}

}  // namespace veneer
