// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/sys.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace veneer::sys {

namespace {

// A path by which a call that knows no dirfd reaches an object: through the magic links of /proc,
// which end in the object itself even where that is a symlink.
class ProcPath {
 public:
  explicit ProcPath(At at) {
    const int n = at.self()
                      ? snprintf(path_.data(), path_.size(), "/proc/self/fd/%d", at.fd)
                      : snprintf(path_.data(), path_.size(), "/proc/self/fd/%d/%s", at.fd, at.name);
    fits_ = n > 0 && static_cast<size_t>(n) < path_.size();
  }
  bool fits() const { return fits_; }
  const char* c_str() const { return path_.data(); }

 private:
  std::array<char, 320> path_;
  bool fits_;
};

template <class Call>
auto Retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

Sys<void> Done(long result) {
  if (result < 0) return FailErrno();
  return {};
}

}  // namespace

Sys<Fd> Open(At at, int flags, mode_t mode) {
  int fd;
  if (at.self()) {
    const ProcPath path(at);
    fd = Retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
  } else {
    fd = Retry([&] { return ::openat(at.fd, at.name, flags | O_CLOEXEC | O_NOFOLLOW, mode); });
  }
  if (fd < 0) return FailErrno();
  return Fd(fd);
}

Sys<Fd> OpenFollowing(const char* path, int flags, mode_t mode) {
  const int fd = ::open(path, flags | O_CLOEXEC, mode);
  if (fd < 0) return FailErrno();
  return Fd(fd);
}

Sys<Fd> MakeTemporaryFile(std::string* path) {
  const int fd = ::mkostemp(path->data(), O_CLOEXEC);
  if (fd < 0) return FailErrno();
  return Fd(fd);
}

Sys<void> MakeTemporaryDir(std::string* path) {
  if (::mkdtemp(path->data()) == nullptr) return FailErrno();
  return {};
}

Sys<struct stat> Stat(At at) {
  struct stat st;
  if (::fstatat(at.fd, at.name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0) return FailErrno();
  return st;
}

Sys<std::string> ReadLink(At at) {
  std::string target(256, '\0');
  for (;;) {
    const ssize_t n = ::readlinkat(at.fd, at.name, target.data(), target.size());
    if (n < 0) return FailErrno();
    if (static_cast<size_t>(n) < target.size()) {
      target.resize(n);
      return target;
    }
    target.resize(target.size() * 2);
  }
}

Sys<void> MakeDir(At at, mode_t mode) { return Done(::mkdirat(at.fd, at.name, mode)); }
Sys<void> MakeNode(At at, mode_t mode, dev_t device) {
  return Done(::mknodat(at.fd, at.name, mode, device));
}
Sys<void> Symlink(const char* target, At at) { return Done(::symlinkat(target, at.fd, at.name)); }

Sys<void> Link(At from, At to) {
  if (!from.self()) return Done(::linkat(from.fd, from.name, to.fd, to.name, 0));
  const ProcPath path(from);
  return Done(::linkat(AT_FDCWD, path.c_str(), to.fd, to.name, AT_SYMLINK_FOLLOW));
}

Sys<void> Unlink(At at) { return Done(::unlinkat(at.fd, at.name, 0)); }
Sys<void> RemoveDir(At at) { return Done(::unlinkat(at.fd, at.name, AT_REMOVEDIR)); }
Sys<void> Rename(At from, At to, unsigned flags) {
  return Done(::syscall(SYS_renameat2, from.fd, from.name, to.fd, to.name, flags));
}

namespace {

// fchmodat2(2), Linux 6.6: the first chmod that can be told not to follow a symlink. Debian 12's C
// library has no name for it.
constexpr long kFchmodat2 = 452;

// For kernels without it. `fd` may be O_PATH; what /proc calls it ends in the object itself.
Sys<void> ChmodThroughProc(int fd, mode_t mode) {
  VENEER_TRY(const struct stat st, Stat({fd}));
  // Some file systems would change the mode of the symlink.
  if (S_ISLNK(st.st_mode)) return Fail(EOPNOTSUPP);
  return Done(::chmod(ProcPath({fd}).c_str(), mode));
}

}  // namespace

Sys<void> Chmod(At at, mode_t mode) {
  const long changed =
      ::syscall(kFchmodat2, at.fd, at.name, mode, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
  if (changed == 0) return {};
  // A filter of system calls that does not know it (older container engines) says EPERM.
  if (errno != ENOSYS && errno != EPERM) return FailErrno();
  if (at.self()) return ChmodThroughProc(at.fd, mode);
  VENEER_TRY(const Fd object, Open(at, O_PATH));
  return ChmodThroughProc(object.get(), mode);
}

Sys<void> Chown(At at, uid_t uid, gid_t gid) {
  return Done(::fchownat(at.fd, at.name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH));
}

Sys<void> SetTimes(At at, const timespec times[2]) {
  if (!at.self()) return Done(::utimensat(at.fd, at.name, times, AT_SYMLINK_NOFOLLOW));
  return Done(::utimensat(at.fd, "", times, AT_EMPTY_PATH));
}

namespace {
ssize_t GetXattrRaw(At at, const ProcPath& path, const char* name, void* value, size_t size) {
  return at.self() ? ::getxattr(path.c_str(), name, value, size)
                   : ::lgetxattr(path.c_str(), name, value, size);
}
}  // namespace

Sys<std::string> GetXattr(At at, const char* name) {
  const ProcPath path(at);
  if (!path.fits()) return Fail(ENAMETOOLONG);
  std::array<char, 512> small;
  ssize_t n = GetXattrRaw(at, path, name, small.data(), small.size());
  if (n >= 0) return std::string(small.data(), n);
  std::string value;
  while (errno == ERANGE) {  // it may grow between the two calls
    n = GetXattrRaw(at, path, name, nullptr, 0);
    if (n < 0) break;
    value.resize(n);
    n = GetXattrRaw(at, path, name, value.data(), value.size());
    if (n >= 0) {
      value.resize(n);
      return value;
    }
  }
  return FailErrno();
}

namespace {

// listxattrat(2), Linux 6.13: no way through /proc. It takes no descriptor of O_PATH by itself.
constexpr long kListXattrAt = 465;

bool HasListXattrAt() {
  // Where the call exists, it gets as far as the descriptor.
  static const bool has =
      ::syscall(kListXattrAt, -1, "x", 0, nullptr, size_t{0}) < 0 && errno == EBADF;
  return has;
}

ssize_t ListXattrRaw(At at, char* buffer, size_t size) {
  if (!at.self() && HasListXattrAt()) {
    return ::syscall(kListXattrAt, at.fd, at.name, AT_SYMLINK_NOFOLLOW, buffer, size);
  }
  const ProcPath path(at);
  if (!path.fits()) {
    errno = ENAMETOOLONG;
    return -1;
  }
  return at.self() ? ::listxattr(path.c_str(), buffer, size)
                   : ::llistxattr(path.c_str(), buffer, size);
}

}  // namespace

Sys<std::vector<std::string>> ListXattr(At at) {
  auto list = [&](char* buffer, size_t size) { return ListXattrRaw(at, buffer, size); };
  std::array<char, 1024> small;
  std::string large;
  const char* data = small.data();
  ssize_t n = list(small.data(), small.size());
  while (n < 0 && errno == ERANGE) {
    n = list(nullptr, 0);
    if (n < 0) break;
    large.resize(n);
    n = list(large.data(), large.size());
    data = large.data();
  }
  if (n < 0) return FailErrno();
  std::vector<std::string> names;
  for (const char* p = data; p < data + n; p += names.back().size() + 1) names.emplace_back(p);
  return names;
}

Sys<void> SetXattr(At at, const char* name, std::string_view value, int flags) {
  const ProcPath path(at);
  if (!path.fits()) return Fail(ENAMETOOLONG);
  return Done(at.self() ? ::setxattr(path.c_str(), name, value.data(), value.size(), flags)
                        : ::lsetxattr(path.c_str(), name, value.data(), value.size(), flags));
}

Sys<void> RemoveXattr(At at, const char* name) {
  const ProcPath path(at);
  if (!path.fits()) return Fail(ENAMETOOLONG);
  return Done(at.self() ? ::removexattr(path.c_str(), name) : ::lremovexattr(path.c_str(), name));
}

Sys<size_t> ReadAt(int fd, void* buffer, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = Retry([&] {
      return ::pread(fd, static_cast<char*>(buffer) + done, size - done,
                     static_cast<off_t>(offset + done));
    });
    if (n < 0) return FailErrno();
    if (n == 0) break;
    done += n;
  }
  return done;
}

Sys<void> WriteAt(int fd, std::string_view data, uint64_t offset) {
  while (!data.empty()) {
    const ssize_t n =
        Retry([&] { return ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset)); });
    if (n < 0) return FailErrno();
    data.remove_prefix(n);
    offset += n;
  }
  return {};
}

void BeginWriteBack(int fd, uint64_t offset, uint64_t size) {
  ::sync_file_range(fd, static_cast<off64_t>(offset), static_cast<off64_t>(size),
                    SYNC_FILE_RANGE_WRITE);
}

Sys<void> SetDirect(int fd, bool direct) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return FailErrno();
  return Done(::fcntl(fd, F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT));
}

void Preallocate(int fd, uint64_t offset, uint64_t size) {
  ::fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(size));
}

Sys<void> PunchHole(int fd, uint64_t offset, uint64_t size) {
  return Done(Retry([&] {
    return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(size));
  }));
}

Sys<void> Truncate(int fd, uint64_t size) {
  return Done(Retry([&] { return ::ftruncate(fd, static_cast<off_t>(size)); }));
}

Sys<void> TruncateByPath(int fd, uint64_t size) {
  const ProcPath path({fd});
  return Done(Retry([&] { return ::truncate(path.c_str(), static_cast<off_t>(size)); }));
}

Sys<void> Sync(int fd, bool data_only) {
  return Done(Retry([&] { return data_only ? ::fdatasync(fd) : ::fsync(fd); }));
}

Sys<void> SyncFs(int fd) { return Done(::syncfs(fd)); }

Sys<void> Lock(int fd, int operation) {
  return Done(Retry([&] { return ::flock(fd, operation); }));
}

Sys<struct statvfs> StatVfs(int fd) {
  struct statvfs st;
  if (::fstatvfs(fd, &st) < 0) return FailErrno();
  return st;
}

Sys<void> ReadDir(int fd, FunctionRef<void(const Dirent&)> sink) {
  if (::lseek(fd, 0, SEEK_SET) < 0) return FailErrno();
  alignas(dirent64) std::array<char, 32 * 1024> buffer;
  for (;;) {
    const long n = ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
    if (n < 0) return FailErrno();
    if (n == 0) return {};
    for (long pos = 0; pos < n;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + pos);
      pos += entry->d_reclen;
      const char* name = entry->d_name;
      if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))) continue;
      sink(Dirent{name, entry->d_ino, entry->d_type});
    }
  }
}

}  // namespace veneer::sys
