// SPDX-License-Identifier: Apache-2.0
//
// sys::CopyData: the contents of a file, the cheapest way that keeps its holes.
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <vector>

#include "layerdb/base/sys.h"

namespace veneer::sys {

namespace {

// Errors by which copy_file_range(2) says "not between these two", as opposed to a failure of the copy.
bool CannotCopyRange(int code) {
  return code == EXDEV || code == EINVAL || code == EOPNOTSUPP || code == ENOSYS || code == EPERM ||
         code == EBADF;
}

Sys<void> CopyByReading(int from, int to, uint64_t begin, uint64_t end) {
  std::vector<char> buffer(std::min<uint64_t>(end - begin, 1 << 20));
  while (begin < end) {
    VENEER_TRY(const size_t n,
               ReadAt(from, buffer.data(), std::min<uint64_t>(buffer.size(), end - begin), begin));
    if (n == 0) return {};  // the source ends here
    VENEER_TRY_VOID(WriteAt(to, {buffer.data(), n}, begin));
    begin += n;
  }
  return {};
}

Sys<void> CopyExtent(int from, int to, uint64_t begin, uint64_t end) {
  while (begin < end) {
    auto in = static_cast<off64_t>(begin);
    auto out = static_cast<off64_t>(begin);
    const ssize_t n = ::copy_file_range(from, &in, to, &out, end - begin, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && !CannotCopyRange(errno)) return FailErrno();
    // 0 before the end is how some file systems say that they cannot (procfs, old FUSE): read it.
    if (n <= 0) return CopyByReading(from, to, begin, end);
    begin += n;
  }
  return {};
}

// Up to this size a file is read and written whole: two system calls, where finding its holes takes six.
constexpr size_t kSmall = 16 * 1024;

Sys<void> CopySmall(int from, int to, size_t size) {
  std::array<char, kSmall> buffer;
  VENEER_TRY(const size_t n, ReadAt(from, buffer.data(), size, 0));
  const bool hole = std::all_of(buffer.data(), buffer.data() + n, [](char c) { return c == 0; });
  if (!hole) VENEER_TRY_VOID(WriteAt(to, {buffer.data(), n}, 0));
  if (n == size && !hole) return {};
  VENEER_TRY(const struct stat target, Stat({to}));
  if (static_cast<uint64_t>(target.st_size) < size) VENEER_TRY_VOID(Truncate(to, size));
  return {};
}

}  // namespace

Sys<void> CopyData(int from, int to, uint64_t size) {
  if (size <= kSmall) return CopySmall(from, to, size);
  VENEER_TRY(const struct stat source, Stat({from}));
  VENEER_TRY(const struct stat target, Stat({to}));
  if (static_cast<uint64_t>(source.st_size) == size && target.st_size <= source.st_size &&
      ::ioctl(to, FICLONE, from) == 0) {
    return {};
  }
  if (static_cast<uint64_t>(target.st_size) < size) VENEER_TRY_VOID(Truncate(to, size));
  uint64_t position = 0;
  while (position < size) {
    const off_t data = ::lseek(from, static_cast<off_t>(position), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;                      // only a hole is left
    if (data < 0) return CopyExtent(from, to, position, size);  // the file system knows no holes
    const off_t hole = ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) return FailErrno();
    const uint64_t end = std::min<uint64_t>(hole, size);
    if (static_cast<uint64_t>(data) >= end) break;
    VENEER_TRY_VOID(CopyExtent(from, to, data, end));
    position = end;
  }
  return {};
}

}  // namespace veneer::sys
