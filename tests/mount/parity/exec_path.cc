// SPDX-License-Identifier: Apache-2.0
//
// Operations on paths, and on extended attributes.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "layerdb/base/walk.h"
#include "tests/mount/parity/exec.h"

namespace veneer::parity {
namespace {

void Rename(const Op& op, Outcome& out) {
  out.Set(::renameat2(AT_FDCWD, op.path.c_str(), AT_FDCWD, op.path2.c_str(),
                      static_cast<unsigned>(op.flags)));
}

void RemoveAll(const Op& op, Outcome& out) {
  const Sys<uint64_t> removed = RemoveTree(op.path);
  if (!removed) {
    errno = removed.error().code;
    return out.Set(-1);
  }
  if (op.flags == 0) return;
  out.Set(::mkdir(op.path.c_str(), op.mode));
  if (out.ret != 0) return;
  const Fd file(::open((op.path + "/a").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file || ::write(file.get(), "made anew", 9) != 9) out.Set(-1);
}

void WriteFile(const Op& op, Outcome& out) {
  const Fd fd(::open(op.path.c_str(), op.flags | O_NONBLOCK | O_CLOEXEC, op.mode));
  if (!fd) return out.Set(-1);
  std::string bytes(op.size, '\0');
  FillPattern(op.pattern, op.offset, bytes.data(), bytes.size());
  out.Set((op.flags & O_APPEND) != 0
              ? ::write(fd.get(), bytes.data(), bytes.size())
              : ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(op.offset)));
}

void Handle(const Op& op, Outcome& out) {
  alignas(file_handle) char space[sizeof(file_handle) + MAX_HANDLE_SZ];
  auto* handle = reinterpret_cast<file_handle*>(space);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  const int follow = (op.flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : AT_SYMLINK_FOLLOW;
  if (::name_to_handle_at(AT_FDCWD, op.path.c_str(), handle, &mount_id, follow) != 0)
    return out.Set(-1);
  const Fd root(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Fd fd(::open_by_handle_at(root.get(), handle, O_PATH | O_CLOEXEC));
  if (!fd) {
    out.Set(-1);
    out.detail = "open_by_handle_at";
    return;
  }
  struct stat by_path {
  }, by_handle{};
  ::fstatat(AT_FDCWD, op.path.c_str(), &by_path, op.flags);
  ::fstat(fd.get(), &by_handle);
  out.detail = by_path.st_ino == by_handle.st_ino && by_path.st_mode == by_handle.st_mode
                   ? "same"
                   : "another";
}

}  // namespace

void ExecuteOnPath(const Op& op, Target& target, Outcome& out) {
  const char* const path = op.path.c_str();
  switch (op.kind) {
    case OpKind::kTruncate: {
      // Of an empty file to nothing: FUSE cannot tell it from O_TRUNC, which marks the times. Not
      // asked.
      struct stat st {};
      if (op.offset == 0 && ::stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0) break;
      out.Set(::truncate(path, static_cast<off_t>(op.offset)));
      break;
    }
    case OpKind::kChmod: out.Set(::fchmodat(AT_FDCWD, path, op.mode, 0)); break;
    case OpKind::kChown: out.Set(::fchownat(AT_FDCWD, path, op.uid, op.gid, op.flags)); break;
    case OpKind::kUtimens: out.Set(::utimensat(AT_FDCWD, path, op.times, op.flags)); break;
    case OpKind::kMkdir: out.Set(::mkdir(path, op.mode)); break;
    case OpKind::kRmdir: out.Set(::rmdir(path)); break;
    case OpKind::kRemoveTree: RemoveAll(op, out); break;
    case OpKind::kUnlink: out.Set(::unlink(path)); break;
    case OpKind::kSymlink: out.Set(::symlink(op.path2.c_str(), path)); break;
    case OpKind::kLink:
      out.Set(::linkat(AT_FDCWD, path, AT_FDCWD, op.path2.c_str(), op.flags));
      break;
    case OpKind::kMknod: {
      const bool device = op.flags == S_IFCHR || op.flags == S_IFBLK;
      const dev_t number = device ? ::makedev(kDeviceMajor, static_cast<unsigned>(op.size)) : 0;
      out.Set(::mknod(path, static_cast<mode_t>(op.flags) | op.mode, number));
      break;
    }
    case OpKind::kRename: Rename(op, out); break;
    case OpKind::kStat: {
      const Look look = LookAt(AT_FDCWD, path, target.kind() == TargetKind::kPlain, op.flags);
      errno = look.error;
      out.Set(look.error != 0 ? -1 : 0);
      out.looks.emplace_back(op.path, look);
      break;
    }
    case OpKind::kReadlink: {
      std::string text(5000, '\0');
      const ssize_t n = ::readlink(path, text.data(), text.size());
      out.Set(n);
      if (n >= 0) out.detail = text.substr(0, static_cast<size_t>(n));
      break;
    }
    case OpKind::kAccess: out.Set(::faccessat(AT_FDCWD, path, op.flags, AT_EACCESS)); break;
    case OpKind::kStatfs: {
      struct statfs fs {};
      out.Set(::statfs(path, &fs));
      out.detail = "name_max " + std::to_string(fs.f_namelen);
      break;
    }
    case OpKind::kHandle: Handle(op, out); break;
    case OpKind::kReadFile: {
      const Fd fd(::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
      struct stat st {};
      if (!fd || ::fstat(fd.get(), &st) != 0) return out.Set(-1);
      if (S_ISREG(st.st_mode)) out.Set(ReadAll(fd.get(), &out.detail) ? 0 : -1);
      break;
    }
    case OpKind::kWriteFile: WriteFile(op, out); break;
    default: break;
  }
}

void ExecuteOnXattr(const Op& op, Target& target, Outcome& out) {
  const char* const path = op.path.c_str();
  const char* const name = op.name.c_str();
  const int fd = target.slots[static_cast<size_t>(op.slot)].get();
  const auto by = static_cast<XattrBy>(op.flags);
  std::string buffer(70000, '\0');
  ssize_t n = 0;
  switch (op.kind) {
    case OpKind::kSetXattr: {
      const int flags = static_cast<int>(op.mode);
      const size_t size = op.value.size();
      out.Set(by == XattrBy::kPath       ? ::setxattr(path, name, op.value.data(), size, flags)
              : by == XattrBy::kNoFollow ? ::lsetxattr(path, name, op.value.data(), size, flags)
                                         : ::fsetxattr(fd, name, op.value.data(), size, flags));
      break;
    }
    case OpKind::kRemoveXattr:
      out.Set(by == XattrBy::kPath       ? ::removexattr(path, name)
              : by == XattrBy::kNoFollow ? ::lremovexattr(path, name)
                                         : ::fremovexattr(fd, name));
      break;
    case OpKind::kGetXattr: {
      // A third of the calls asks for the size only, or has too little room.
      const size_t room = op.size % 3 == 0 ? op.size % 20 : buffer.size();
      n = by == XattrBy::kPath       ? ::getxattr(path, name, buffer.data(), room)
          : by == XattrBy::kNoFollow ? ::lgetxattr(path, name, buffer.data(), room)
                                     : ::fgetxattr(fd, name, buffer.data(), room);
      out.Set(n);
      if (n > 0 && room != 0) out.detail = buffer.substr(0, static_cast<size_t>(n));
      break;
    }
    case OpKind::kListXattr: {
      n = by == XattrBy::kPath       ? ::listxattr(path, buffer.data(), buffer.size())
          : by == XattrBy::kNoFollow ? ::llistxattr(path, buffer.data(), buffer.size())
                                     : ::flistxattr(fd, buffer.data(), buffer.size());
      out.Set(n);
      std::set<std::string> names;
      for (const char* p = buffer.data(); p < buffer.data() + std::max<ssize_t>(n, 0);
           p += std::strlen(p) + 1) {
        names.insert(p);
      }
      for (const std::string& each : names) out.detail += each + " ";
      break;
    }
    default: break;
  }
}

}  // namespace veneer::parity
