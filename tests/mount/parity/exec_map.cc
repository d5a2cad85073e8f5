// SPDX-License-Identifier: Apache-2.0
//
// Operations on a shared mapping. A page beyond the end of the file answers with SIGBUS, which is
// an outcome.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tests/mount/parity/exec.h"

namespace veneer::parity {
namespace {

sigjmp_buf bus_return;
volatile sig_atomic_t bus_expected = 0;

void OnBus(int) {
  if (bus_expected != 0) ::siglongjmp(bus_return, 1);
  ::signal(SIGBUS, SIG_DFL);
  ::raise(SIGBUS);
}

// Copies byte by byte; false when a page is not there.
bool GuardedCopy(char* to, const char* from, size_t size) {
  struct sigaction action {
  }, old{};
  action.sa_handler = OnBus;
  ::sigaction(SIGBUS, &action, &old);
  bool done = false;
  if (::sigsetjmp(bus_return, 1) == 0) {
    bus_expected = 1;
    const volatile char* source = from;
    volatile char* target = to;
    for (size_t i = 0; i < size; ++i) target[i] = source[i];
    done = true;
  }
  bus_expected = 0;
  ::sigaction(SIGBUS, &old, nullptr);
  return done;
}

void Map(const Op& op, Target& target, Mapping& map, Outcome& out) {
  const int fd = target.slots[static_cast<size_t>(op.slot2)].get();
  struct stat st {};
  if (fd < 0 || ::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    out.detail = "not a regular file";
    return;
  }
  void* const address =
      ::mmap(nullptr, op.size, op.flags, MAP_SHARED, fd, static_cast<off_t>(op.offset));
  out.Set(address == MAP_FAILED ? -1 : 0);
  if (address == MAP_FAILED) return;
  if (map.address != nullptr) ::munmap(map.address, map.length);
  map.address = static_cast<char*>(address);
  map.length = op.size;
  map.offset = op.offset;
  map.writable = (op.flags & PROT_WRITE) != 0;
  map.fd = Fd(::dup(fd));
}

}  // namespace

namespace {
constexpr timespec kBefore{1'100'000'000, 1};
constexpr timespec kAfter{1'100'000'001, 2};

void SetModifyTime(int fd, const timespec& time) {
  const timespec times[2] = {{0, UTIME_OMIT}, time};
  if (::futimens(fd, times) != 0) ::perror("futimens on a mapped file");
}
}  // namespace

void PrepareMapWrite(const Op& op, Target& target) {
  const Mapping& map = target.maps[static_cast<size_t>(op.slot)];
  if (map.address == nullptr || !map.writable || LeavesDirtyPages(op)) return;
  // A store into a page that is dirty already does not mark the time: the kernel marks it when the
  // page becomes dirty.
  if (::msync(map.address, map.length, MS_SYNC) != 0) ::perror("msync before a store");
  SetModifyTime(map.fd.get(), kBefore);
}

void FinishMapWrite(const Op& op, Target& target, Outcome& out) {
  const Mapping& map = target.maps[static_cast<size_t>(op.slot)];
  if (map.address == nullptr || !map.writable) return;
  const bool identity = target.kind() == TargetKind::kPlain;
  if (!LeavesDirtyPages(op)) {
    if (::msync(map.address, map.length, MS_SYNC) != 0)
      out.detail += "msync errno " + std::to_string(errno);
    struct stat st {};
    ::fstat(map.fd.get(), &st);
    // The plain directory may be a tmpfs, which does not do it.
    if (target.kind() == TargetKind::kVeneer && out.ret > 0 &&
        st.st_mtim.tv_sec == kBefore.tv_sec) {
      out.detail += "written through a mapping, but the modify time stays";
    }
    SetModifyTime(map.fd.get(), kAfter);
    // Writing back takes capabilities away on FUSE and nowhere else.
    if (::fremovexattr(map.fd.get(), "security.capability") != 0 && errno != ENODATA) {
      ::perror("fremovexattr on a mapped file");
    }
  }
  out.looks.emplace_back("the mapped file", LookAt(map.fd.get(), "", identity, AT_EMPTY_PATH));
}

void ExecuteOnMap(const Op& op, Target& target, Outcome& out) {
  Mapping& map = target.maps[static_cast<size_t>(op.slot)];
  if (op.kind == OpKind::kMap) return Map(op, target, map, out);
  if (map.address == nullptr) {
    out.detail = "no mapping";
    return;
  }
  size_t offset = std::min<size_t>(op.offset, map.length);
  size_t size = std::min<size_t>(op.size, map.length - offset);
  std::string bytes(size, '\0');
  switch (op.kind) {
    case OpKind::kMapRead:
      out.detail = GuardedCopy(bytes.data(), map.address + offset, size) ? bytes : "SIGBUS";
      break;
    case OpKind::kMapWrite: {
      if (!map.writable) {
        out.detail = "read-only";
        break;
      }
      // Bytes after the end of the file in its last page are nobody's: leave them alone.
      struct stat st {};
      if (::fstat(map.fd.get(), &st) != 0) return out.Set(-1);
      const size_t file = static_cast<size_t>(st.st_size);
      const size_t mapped = file > map.offset ? file - map.offset : 0;
      offset = std::min(offset, mapped);
      size = std::min(size, mapped - offset);
      FillPattern(op.pattern, op.offset, bytes.data(), size);
      out.Set(static_cast<long>(size));
      if (!GuardedCopy(map.address + offset, bytes.data(), size)) out.detail = "SIGBUS";
      break;
    }
    case OpKind::kMapSync: out.Set(::msync(map.address, map.length, MS_SYNC)); break;
    case OpKind::kUnmap:
      out.Set(::munmap(map.address, map.length));
      map = Mapping();
      break;
    default: break;
  }
}

}  // namespace veneer::parity
