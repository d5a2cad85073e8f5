// SPDX-License-Identifier: Apache-2.0
//
// The system calls that the project makes on trees of files, one thin function each: the kernel's
// semantics, an Errno instead of -1. Nothing here follows a symlink in the last component, and
// nothing takes a path of more than one component except where it says so: a tree is walked by
// descriptors, so that no length of path and no symlink put in the way matters. Files and
// directories of our own are named by their Path().
//
// Nothing else in the project opens, locks, renames, removes or syncs a file
// (scripts/checks/system_calls.py), so that tests see every such call.
//
// Thread-safe. EINTR is retried where POSIX allows it to be.
#ifndef VENEER_LAYERDB_BASE_SYS_H_
#define VENEER_LAYERDB_BASE_SYS_H_

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer::sys {

// An object in a tree: a name in an open directory, or (empty name) what `fd` itself refers to,
// which may be an O_PATH descriptor. Both are borrowed.
struct At {
  int fd;
  const char* name = "";
  bool self() const { return *name == '\0'; }
};

// A whole path, whose parents may be symlinks.
inline At Path(const std::string& path) { return {AT_FDCWD, path.c_str()}; }
inline At Path(const char* path) { return {AT_FDCWD, path}; }

// openat(2) with O_CLOEXEC and O_NOFOLLOW added. A self At is opened again through /proc (so that
// an O_PATH descriptor becomes one that can read or write).
Sys<Fd> Open(At at, int flags, mode_t mode = 0);
// open(2) with O_CLOEXEC added: what a user has named, and what /proc and /dev have. A symlink in
// the last component is followed. EINTR is not retried: a signal ends the wait for the other end of
// a fifo.
Sys<Fd> OpenFollowing(const char* path, int flags, mode_t mode = 0);
inline Sys<Fd> OpenFollowing(const std::string& path, int flags, mode_t mode = 0) {
  return OpenFollowing(path.c_str(), flags, mode);
}
// mkostemp(3) and mkdtemp(3): `path` ends in "XXXXXX", which become other characters.
Sys<Fd> MakeTemporaryFile(std::string* path);
Sys<void> MakeTemporaryDir(std::string* path);
Sys<struct stat> Stat(At at);
Sys<std::string> ReadLink(At at);

Sys<void> MakeDir(At at, mode_t mode);
Sys<void> MakeNode(At at, mode_t mode, dev_t device);
Sys<void> Symlink(const char* target, At at);
// Another name for what `from` is; never follows a symlink. A self At is linked through /proc
// (linkat AT_SYMLINK_FOLLOW), which works for O_TMPFILE files and O_PATH descriptors.
Sys<void> Link(At from, At to);
Sys<void> Unlink(At at);
Sys<void> RemoveDir(At at);
// renameat2(2).
Sys<void> Rename(At from, At to, unsigned flags);

// EOPNOTSUPP for a symlink, which has no mode.
Sys<void> Chmod(At at, mode_t mode);
// uid or gid -1: stays.
Sys<void> Chown(At at, uid_t uid, gid_t gid);
// times[0] access, times[1] modification; UTIME_NOW and UTIME_OMIT as utimensat(2) has them.
Sys<void> SetTimes(At at, const timespec times[2]);

// Extended attributes; a value of any size.
Sys<std::string> GetXattr(At at, const char* name);
Sys<std::vector<std::string>> ListXattr(At at);
Sys<void> SetXattr(At at, const char* name, std::string_view value, int flags);
Sys<void> RemoveXattr(At at, const char* name);

Sys<size_t> ReadAt(int fd, void* buffer, size_t size, uint64_t offset);
// Writes everything or fails.
Sys<void> WriteAt(int fd, std::string_view data, uint64_t offset);
Sys<void> Truncate(int fd, uint64_t size);
// Lets the disk begin to write this part of the file, and waits for nothing (sync_file_range(2)).
// What goes wrong is told by Sync().
void BeginWriteBack(int fd, uint64_t offset, uint64_t size);
// Whether writes to `fd` go past the page cache from now on (O_DIRECT): then buffer, offset and
// size are multiples of the disk's blocks. EINVAL: the file system cannot.
Sys<void> SetDirect(int fd, bool direct);
// Lets the file have blocks there, which leaves its size and contents alone; where that fails, a
// write is only slower.
void Preallocate(int fd, uint64_t offset, uint64_t size);
Sys<void> PunchHole(int fd, uint64_t offset, uint64_t size);
// truncate(2) of the open file `fd`: where the size stays, the file system decides whether that
// marks the times (ftruncate(2) always does).
Sys<void> TruncateByPath(int fd, uint64_t size);
Sys<void> Sync(int fd, bool data_only);
Sys<void> SyncFs(int fd);
// flock(2). With LOCK_NB EWOULDBLOCK where somebody else has it. TakeLock() of files.h waits for a
// time.
Sys<void> Lock(int fd, int operation);
Sys<struct statvfs> StatVfs(int fd);

// Lets the empty file `to` share the contents of `from` (FICLONE). An error wherever the file
// system cannot.
Sys<void> Clone(int from, int to);
// Copies `size` bytes between regular files at the same offset. A small file (16 KiB) is read and
// written; of a larger one holes are kept as holes: a reflink of the whole where both files are
// taken from 0 to the end and the file system can, else copy_file_range per data extent, else read
// and write. The target must be empty or sparse there; its size becomes at least `size`. EIO: the
// source is shorter.
Sys<void> CopyData(int from, int to, uint64_t size);

// One directory entry as getdents64(2) gives it ("." and ".." left out).
struct Dirent {
  const char* name;  // NUL-terminated, valid during the callback
  uint64_t ino;
  uint8_t type;  // DT_*
};
// Reads a directory from the start. `fd` must be open for reading and not be shared with another
// reader.
Sys<void> ReadDir(int fd, FunctionRef<void(const Dirent&)> sink);

}  // namespace veneer::sys

#endif  // VENEER_LAYERDB_BASE_SYS_H_
