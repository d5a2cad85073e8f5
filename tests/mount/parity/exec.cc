// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/exec.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace veneer::parity {
namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

// The system calls themselves: the C library's functions would change the ids of all threads.
void SetIds(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
  if (::syscall(SYS_setgroups, groups.size(), groups.data()) != 0) Die("setgroups");
  if (::syscall(SYS_setresgid, -1, gid, -1) != 0) Die("setresgid");
  if (::syscall(SYS_setresuid, -1, uid, -1) != 0) Die("setresuid");
}

// The target is the root directory while this lives.
class InsideTarget {
 public:
  explicit InsideTarget(const Target& target)
      : outside_(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (!outside_ || ::fchdir(target.root_fd()) != 0 || ::chroot(".") != 0) Die("enter the target");
  }
  ~InsideTarget() {
    if (::fchdir(outside_.get()) != 0 || ::chroot(".") != 0) Die("leave the target");
  }
  InsideTarget(const InsideTarget&) = delete;
  InsideTarget& operator=(const InsideTarget&) = delete;

 private:
  Fd outside_;
};

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Two operations that change nothing but st_ctime, and that only on some file systems: chown(-1,
// -1) of somebody who is not the owner, and removing an ACL that is not there. The time is set by
// hand afterwards.
bool MarksChangeTimeOnly(const Op& op) {
  if (op.kind == OpKind::kChown || op.kind == OpKind::kFchown) {
    return op.who != 0 && op.uid == static_cast<uid_t>(-1) && op.gid == static_cast<gid_t>(-1);
  }
  const bool removes =
      op.kind == OpKind::kRemoveXattr || (op.kind == OpKind::kSetXattr && op.value.empty());
  return removes && op.name.rfind("system.posix_acl_", 0) == 0;
}

void SettleTimes(const Op& op, const Target& target) {
  constexpr timespec kTime{1'200'000'000, 3};
  const timespec times[2] = {{0, UTIME_OMIT}, kTime};
  const bool xattr = op.kind == OpKind::kRemoveXattr || op.kind == OpKind::kSetXattr;
  const bool by_slot =
      op.kind == OpKind::kFchown || (xattr && op.flags == static_cast<int>(XattrBy::kSlot));
  const bool no_follow = xattr ? op.flags == static_cast<int>(XattrBy::kNoFollow)
                               : (op.flags & AT_SYMLINK_NOFOLLOW) != 0;
  const int fd = by_slot ? target.slots[static_cast<size_t>(op.slot)].get() : AT_FDCWD;
  const int flags = by_slot ? AT_EMPTY_PATH : no_follow ? AT_SYMLINK_NOFOLLOW : 0;
  if (::utimensat(fd, by_slot ? "" : op.path.c_str(), times, flags) != 0)
    std::perror("settle times");
}

void LookAround(const Op& op, const Target& target, Outcome& out) {
  const bool identity = target.kind() == TargetKind::kPlain;
  const auto look = [&](const std::string& path) {
    out.looks.emplace_back(path, LookAt(AT_FDCWD, path.c_str(), identity, AT_SYMLINK_NOFOLLOW));
    if (!op.look_inside || !S_ISREG(out.looks.back().second.st.st_mode)) return;
    const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    std::string bytes;
    out.detail += "\ninside " + path + ": ";
    out.detail += fd && ReadAll(fd.get(), &bytes) ? bytes : "errno " + std::to_string(errno);
  };
  for (const std::string* path : {&op.path, &op.path2}) {
    if (path->empty() || (path == &op.path2 && op.kind == OpKind::kSymlink)) continue;
    look(*path);
    look(ParentOf(*path));
  }
}

}  // namespace

AsCaller::AsCaller(const Credential& who, mode_t umask) {
  ::umask(umask);
  SetIds(who.uid, who.gid, who.groups);
}

AsCaller::~AsCaller() {
  // The uid first: root may change the others.
  if (::syscall(SYS_setresuid, -1, 0, -1) != 0) Die("setresuid");
  SetIds(0, 0, {});
  ::umask(0);
}

bool ReadAll(int fd, std::string* out) {
  constexpr size_t kMost = 8 << 20;
  size_t have = 0;
  for (;;) {
    out->resize(have + 70000);
    const ssize_t n = ::read(fd, out->data() + have, 70000);
    if (n < 0) return false;
    have += static_cast<size_t>(n);
    if (n == 0 || have > kMost) break;
  }
  out->resize(have);
  return true;
}

namespace {

// The file that an operation of root writes to; -1: there is none, or it is named by a path.
int WrittenSlot(const Op& op, const Target& target) {
  switch (op.kind) {
    case OpKind::kWrite:
    case OpKind::kPwrite:
    case OpKind::kDirectIo:
    case OpKind::kFtruncate:
    case OpKind::kFallocate: return target.slots[static_cast<size_t>(op.slot)].get();
    case OpKind::kCopyRange:
    case OpKind::kSendfile: return target.slots[static_cast<size_t>(op.slot2)].get();
    default: return -1;
  }
}

// Asks nobody: to see that the kernel knows the mode would make it know.
bool HasSetId(int fd, const char* name) {
  struct statx st {};
  return ::statx(fd, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, STATX_MODE,
                 &st) == 0 &&
         S_ISREG(st.stx_mode) && (st.stx_mode & 06000) != 0;
}

// Whether what root's write does to set-user-ID must be looked at now. Later, nobody can tell
// whose doing it was (kRootWrite in excuses.cc).
bool MayLoseSetId(const Op& op, const Target& target) {
  if (op.who != 0) return false;
  if (op.kind == OpKind::kTruncate || op.kind == OpKind::kWriteFile) {
    return HasSetId(AT_FDCWD, op.path.c_str());
  }
  const int fd = WrittenSlot(op, target);
  return fd >= 0 && HasSetId(fd, "");
}

void LookAtWritten(const Op& op, const Target& target, Outcome& out) {
  const int fd = WrittenSlot(op, target);
  const bool identity = target.kind() == TargetKind::kPlain;
  out.written = fd >= 0 ? LookAt(fd, "", identity, AT_EMPTY_PATH)
                        : LookAt(AT_FDCWD, op.path.c_str(), identity, AT_SYMLINK_NOFOLLOW);
}

}  // namespace

Outcome Execute(const Op& op, Target& target) {
  const InsideTarget inside(target);
  Outcome out;
  const bool may_lose_set_id = MayLoseSetId(op, target);
  if (op.kind == OpKind::kMapWrite) PrepareMapWrite(op, target);
  {
    const AsCaller caller(Credentials()[static_cast<size_t>(op.who)], op.umask);
    if (op.kind <= OpKind::kSetFlags) {
      ExecuteOnSlot(op, target, out);
    } else if (op.kind <= OpKind::kUnmap) {
      ExecuteOnMap(op, target, out);
    } else if (op.kind == OpKind::kList || op.kind == OpKind::kWalk ||
               op.kind == OpKind::kLongPath) {
      ExecuteOnDirectory(op, target, out);
    } else if (op.kind <= OpKind::kLongPath) {
      ExecuteOnPath(op, target, out);
    } else {
      ExecuteOnXattr(op, target, out);
    }
  }
  if (out.ret == 0 && MarksChangeTimeOnly(op)) SettleTimes(op, target);
  if (may_lose_set_id) LookAtWritten(op, target, out);
  if (op.look && op.kind <= OpKind::kSetFlags) {
    const AsCaller caller(Credentials()[static_cast<size_t>(op.who)], op.umask);
    LookAtSlot(op, target, out);
  }
  if (op.kind == OpKind::kMapWrite) FinishMapWrite(op, target, out);
  if (op.look) LookAround(op, target, out);
  return out;
}

}  // namespace veneer::parity
