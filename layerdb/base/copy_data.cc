// SPDX-License-Identifier: Apache-2.0
//
// sys::CopyData: the contents of a file, the cheapest way that keeps its holes.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <vector>

#include "layerdb/base/stepped_copy.h"
#include "layerdb/base/sys.h"

namespace veneer::sys {

namespace {

// Errors by which copy_file_range(2) says "not between these two", as opposed to a failure of the
// copy.
bool CannotCopyRange(int code) {
  return code == EXDEV || code == EINVAL || code == EOPNOTSUPP || code == ENOSYS || code == EPERM ||
         code == EBADF;
}

constexpr uint64_t kStep = 8 << 20;

Sys<void> CopyByReading(int from, int to, uint64_t begin, uint64_t end, FunctionRef<bool()> stop) {
  std::vector<char> buffer(std::min<uint64_t>(end - begin, 1 << 20));
  while (begin < end) {
    if (stop()) return Fail(EINTR);
    VENEER_TRY(const size_t n,
               ReadAt(from, buffer.data(), std::min<uint64_t>(buffer.size(), end - begin), begin));
    if (n == 0) return Fail(EIO);  // the source ends early
    VENEER_TRY_VOID(WriteAt(to, {buffer.data(), n}, begin));
    begin += n;
  }
  return {};
}

Sys<void> CopyExtent(int from, int to, uint64_t begin, uint64_t end, FunctionRef<bool()> stop) {
  while (begin < end) {
    if (stop()) return Fail(EINTR);
    auto in = static_cast<off64_t>(begin);
    auto out = static_cast<off64_t>(begin);
    const ssize_t n = ::copy_file_range(from, &in, to, &out, std::min(end - begin, kStep), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && !CannotCopyRange(errno)) return FailErrno();
    // 0 before the end is how some file systems say that they cannot (procfs, old FUSE): read it.
    if (n <= 0) return CopyByReading(from, to, begin, end, stop);
    begin += n;
  }
  return {};
}

// Up to this size a file is read and written whole: two system calls, where finding its holes takes
// six.
constexpr size_t kSmall = 16 * 1024;

Sys<void> CopySmall(int from, int to, size_t size) {
  std::array<char, kSmall> buffer;
  VENEER_TRY(const size_t n, ReadAt(from, buffer.data(), size, 0));
  const bool hole = std::all_of(buffer.data(), buffer.data() + n, [](char c) { return c == 0; });
  if (!hole) VENEER_TRY_VOID(WriteAt(to, {buffer.data(), n}, 0));
  if (n < size) return Fail(EIO);
  if (!hole) return {};
  VENEER_TRY(const struct stat target, Stat({to}));
  if (static_cast<uint64_t>(target.st_size) < size) VENEER_TRY_VOID(Truncate(to, size));
  return {};
}

}  // namespace

Sys<void> Clone(int from, int to) {
  if (::ioctl(to, FICLONE, from) != 0) return FailErrno();
  return {};
}

Sys<void> CopyData(int from, int to, uint64_t size) {
  return CopyDataUnless(from, to, size, [] { return false; });
}

Sys<void> CopyDataUnless(int from, int to, uint64_t size, FunctionRef<bool()> stop) {
  if (size <= kSmall) return CopySmall(from, to, size);
  VENEER_TRY(const struct stat source, Stat({from}));
  if (static_cast<uint64_t>(source.st_size) < size) return Fail(EIO);
  VENEER_TRY(const struct stat target, Stat({to}));
  if (static_cast<uint64_t>(source.st_size) == size && target.st_size <= source.st_size &&
      Clone(from, to)) {
    return {};
  }
  if (static_cast<uint64_t>(target.st_size) < size) VENEER_TRY_VOID(Truncate(to, size));
  uint64_t position = 0;
  while (position < size) {
    const off_t data = ::lseek(from, static_cast<off_t>(position), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // only a hole is left
    // The file system knows no holes.
    if (data < 0) return CopyExtent(from, to, position, size, stop);
    const off_t hole = ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) return FailErrno();
    const uint64_t end = std::min<uint64_t>(hole, size);
    if (static_cast<uint64_t>(data) >= end) break;
    VENEER_TRY_VOID(CopyExtent(from, to, data, end, stop));
    position = end;
  }
  return {};
}

Sys<void> SyncDataUnless(int fd, uint64_t size, FunctionRef<bool()> stop) {
  constexpr unsigned kBegin = SYNC_FILE_RANGE_WRITE;
  constexpr unsigned kWait = SYNC_FILE_RANGE_WAIT_BEFORE | kBegin | SYNC_FILE_RANGE_WAIT_AFTER;
  for (const unsigned how : {kBegin, kWait}) {
    for (uint64_t at = 0; at < size && size > kStep; at += kStep) {
      if (stop()) return Fail(EINTR);
      const auto begin = static_cast<off64_t>(at);
      // Where a file system does not know it, fdatasync(2) below does everything.
      if (::sync_file_range(fd, begin, kStep, how) < 0 && errno != ESPIPE && errno != ENOSYS &&
          errno != EINVAL) {
        return FailErrno();
      }
    }
  }
  return Sync(fd, true);
}

}  // namespace veneer::sys
