// SPDX-License-Identifier: Apache-2.0
//
// Operations on an open descriptor.
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "tests/mount/parity/exec.h"

namespace veneer::parity {
namespace {

constexpr size_t kSector = 4096;

std::string Pattern(const Op& op) {
  std::string bytes(op.size, '\0');
  FillPattern(op.pattern, op.offset, bytes.data(), bytes.size());
  return bytes;
}

bool IsRegular(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

bool IsDirectory(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

void LookAtSlot(int fd, const Target& target, Outcome& out) {
  if (fd < 0) return;
  out.looks.emplace_back("the descriptor",
                         LookAt(fd, "", target.kind() == TargetKind::kPlain, AT_EMPTY_PATH));
}

// Data and holes cover the file, and a hole reads as zeros. Where exactly holes are is the file
// system's affair.
std::string CheckHoles(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return "not a regular file";
  const off_t before = ::lseek(fd, 0, SEEK_CUR);
  if (before < 0) return "not seekable";
  std::string out;
  if (::lseek(fd, st.st_size, SEEK_DATA) >= 0 || errno != ENXIO)
    out += "SEEK_DATA at the end is not ENXIO; ";
  if (::lseek(fd, st.st_size, SEEK_HOLE) >= 0 || errno != ENXIO)
    out += "SEEK_HOLE at the end is not ENXIO; ";
  off_t at = 0;
  while (at < st.st_size) {
    off_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) data = st.st_size;
    if (data < at) return out + "SEEK_DATA goes back; ";
    std::string hole(static_cast<size_t>(std::min<off_t>(data - at, 4 << 20)), '\0');
    const ssize_t n = ::pread(fd, hole.data(), hole.size(), at);
    if (n > 0 && hole.find_first_not_of('\0') != std::string::npos) {
      out += "the hole at " + std::to_string(at) + " holds data; ";
    }
    if (data == st.st_size) break;
    const off_t end = ::lseek(fd, data, SEEK_HOLE);
    if (end <= data || end > st.st_size) return out + "SEEK_HOLE is out of order; ";
    at = end;
  }
  if (::lseek(fd, before, SEEK_SET) != before) out += "the position is lost; ";
  return out + "holes checked";
}

void CopyRange(const Op& op, int from, int to, Outcome& out) {
  loff_t in = static_cast<loff_t>(op.offset), at = static_cast<loff_t>(op.offset2);
  size_t left = op.size;
  long total = 0;
  // A short count is allowed anywhere; what counts is what is copied in the end.
  while (left > 0) {
    const ssize_t n = ::copy_file_range(from, &in, to, &at, left, 0);
    if (n < 0) {
      out.Set(n);
      out.detail = "after " + std::to_string(total);
      return;
    }
    if (n == 0) break;
    total += n;
    left -= static_cast<size_t>(n);
  }
  out.Set(total);
}

void DirectIo(const Op& op, int fd, Outcome& out) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return out.Set(-1);
  if (!IsRegular(fd) || (flags & O_PATH) != 0) {
    out.detail = "not a regular file";
    return;
  }
  if (::fcntl(fd, F_SETFL, flags | O_DIRECT) != 0) return out.Set(-1);
  const size_t size = kSector * (op.size % 4 + 1);
  const off_t offset = static_cast<off_t>(op.offset / kSector * kSector);
  const std::unique_ptr<void, decltype(&std::free)> buffer(std::aligned_alloc(kSector, size),
                                                           &std::free);
  char* const bytes = static_cast<char*>(buffer.get());
  FillPattern(op.pattern, op.offset, bytes, size);
  const ssize_t written = ::pwrite(fd, bytes, size, offset);
  out.Set(written);
  const ssize_t n = ::pread(fd, bytes, size, offset);
  out.detail =
      n < 0 ? "read errno " + std::to_string(errno) : std::string(bytes, static_cast<size_t>(n));
  if (::fcntl(fd, F_SETFL, flags) != 0) out.detail += "flags stuck";
}

void RangeLock(const Op& op, int fd, Outcome& out) {
  struct flock lock {};
  lock.l_type = static_cast<short>(op.flags);
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(op.offset % 100);
  lock.l_len = static_cast<off_t>(op.size % 50);
  out.Set(::fcntl(fd, F_OFD_SETLK, &lock));
  lock.l_type = F_WRLCK;
  lock.l_pid = 0;
  if (::fcntl(fd, F_OFD_GETLK, &lock) == 0) {
    out.detail = "now " + std::to_string(lock.l_type);
  } else {
    out.detail = "getlk errno " + std::to_string(errno);
  }
}

void ListSome(int fd, Outcome& out) {
  alignas(dirent64) char buffer[512];
  const long n = ::syscall(SYS_getdents64, fd, buffer, sizeof buffer);
  // How many entries fit, and which come next, is the file system's affair.
  out.Set(n < 0 ? n : 0);
}

void Flags(const Op& op, int fd, Outcome& out) {
  constexpr int kOurs = FS_NODUMP_FL | FS_NOATIME_FL;
  int flags = 0;
  if (!IsRegular(fd) && !IsDirectory(fd)) {
    out.detail = "not asked";
    return;
  }
  const int got = ::ioctl(fd, FS_IOC_GETFLAGS, &flags);
  out.Set(got);
  if (got != 0) return;
  out.detail = std::to_string(flags & kOurs);
  if (op.kind == OpKind::kGetFlags) return;
  flags = (flags & ~kOurs) | op.flags;
  out.Set(::ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

}  // namespace

void ExecuteOnSlot(const Op& op, Target& target, Outcome& out) {
  Fd& slot = target.slots[static_cast<size_t>(op.slot)];
  const int fd = slot.get();
  const int other = target.slots[static_cast<size_t>(op.slot2)].get();
  const off_t offset = static_cast<off_t>(op.offset);
  std::string bytes;
  switch (op.kind) {
    case OpKind::kOpen:
    case OpKind::kTmpfile: {
      const int opened = ::open(op.path.c_str(), op.flags | O_NONBLOCK | O_CLOEXEC, op.mode);
      out.Set(opened < 0 ? -1 : 0);
      if (opened >= 0) slot = Fd(opened);
      LookAtSlot(opened, target, out);
      break;
    }
    case OpKind::kClose:
      if (fd >= 0) out.Set(::close(slot.Release()));
      break;
    case OpKind::kRead:
    case OpKind::kPread: {
      bytes.resize(op.size);
      // The end of a listing is a position at which ext4 finds read(2) of the directory out of
      // range.
      if (op.kind == OpKind::kRead && IsDirectory(fd)) ::lseek(fd, 0, SEEK_SET);
      const ssize_t n = op.kind == OpKind::kRead ? ::read(fd, bytes.data(), bytes.size())
                                                 : ::pread(fd, bytes.data(), bytes.size(), offset);
      out.Set(n);
      if (n >= 0) out.detail = bytes.substr(0, static_cast<size_t>(n));
      break;
    }
    case OpKind::kWrite:
    case OpKind::kPwrite:
      bytes = Pattern(op);
      out.Set(op.kind == OpKind::kWrite ? ::write(fd, bytes.data(), bytes.size())
                                        : ::pwrite(fd, bytes.data(), bytes.size(), offset));
      LookAtSlot(fd, target, out);
      break;
    case OpKind::kDirectIo: DirectIo(op, fd, out); break;
    case OpKind::kFtruncate: out.Set(::ftruncate(fd, offset)); break;
    case OpKind::kFallocate:
      out.Set(::fallocate(fd, op.flags, offset, static_cast<off_t>(op.size)));
      break;
    case OpKind::kSeek:
      if (fd >= 0 && IsDirectory(fd)) {
        out.Set(::lseek(fd, 0, SEEK_SET));
      } else {
        out.Set(::lseek(fd, offset - (op.flags == SEEK_CUR ? 5000 : 0), op.flags));
      }
      break;
    case OpKind::kHoles: out.detail = fd < 0 ? "closed" : CheckHoles(fd); break;
    case OpKind::kCopyRange: CopyRange(op, fd, other, out); break;
    case OpKind::kSendfile: {
      off_t from = offset;
      out.Set(::sendfile(other, fd, &from, op.size));
      break;
    }
    case OpKind::kFchmod: out.Set(::fchmod(fd, op.mode)); break;
    case OpKind::kFchown: out.Set(::fchown(fd, op.uid, op.gid)); break;
    case OpKind::kFutimens: out.Set(::futimens(fd, op.times)); break;
    case OpKind::kFstat: LookAtSlot(fd, target, out); break;
    case OpKind::kFsync: out.Set(op.pattern % 2 == 0 ? ::fsync(fd) : ::fdatasync(fd)); break;
    case OpKind::kFlock: out.Set(::flock(fd, op.flags)); break;
    case OpKind::kRangeLock: RangeLock(op, fd, out); break;
    case OpKind::kLinkFd:
      out.Set(::linkat(fd, "", AT_FDCWD, op.path2.c_str(), AT_EMPTY_PATH));
      break;
    case OpKind::kGetdents: ListSome(fd, out); break;
    case OpKind::kGetFlags:
    case OpKind::kSetFlags: Flags(op, fd, out); break;
    default: break;
  }
}

void LookAtSlot(const Op& op, const Target& target, Outcome& out) {
  LookAtSlot(target.slots[static_cast<size_t>(op.slot)].get(), target, out);
}

}  // namespace veneer::parity
