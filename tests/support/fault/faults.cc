// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fault/faults.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <string>
#include <utility>

namespace veneer {

namespace {

constexpr int kKill = -1;
// More calls than an operation of a test makes.
constexpr long kMany = 100'000;

// How many calls are left before the one that fails; below zero: none will.
std::atomic<long> left = -1;
std::atomic<int> fault = 0;  // an errno, or kKill

std::atomic<CallHook*> hook_ahead = nullptr;

}  // namespace

// Of each call before it is made. True, with errno set: it fails.
bool MeetsFault(std::string_view call) {
  CallHook* hook = hook_ahead.load();
  if (hook != nullptr && hook->call_ == call && hook_ahead.compare_exchange_strong(hook, nullptr)) {
    hook->hook_();
  }
  if (left.load(std::memory_order_relaxed) < 0 || left.fetch_sub(1) != 0) return false;
  const int code = fault;
  if (code == kKill) ::kill(::getpid(), SIGKILL);
  errno = code;
  return true;
}

CallHook::CallHook(std::string_view call, std::function<void()> hook)
    : call_(call), hook_(std::move(hook)) {
  hook_ahead = this;
}

CallHook::~CallHook() { hook_ahead = nullptr; }

namespace {

void Arm(long n, int code) {
  fault = code;
  left = n - 1;
}

// True: the call has come.
bool Disarm() { return left.exchange(-1) < 0; }

// After the fault: what it left, and whether the operation succeeds now.
void VerifyAndRetry(const FaultCase& test, bool done) {
  test.verify(done);
  EXPECT_TRUE(test.act()) << "again, and nothing fails";
  test.verify(true);
}

}  // namespace

void FailEachCall(const FaultCase& test) {
  for (const int code : {EIO, ENOSPC}) {
    for (long n = 1; n < kMany && !testing::Test::HasFailure(); ++n) {
      SCOPED_TRACE("call " + std::to_string(n) + " fails with errno " + std::to_string(code));
      test.prepare();
      Arm(n, code);
      const bool done = test.act();
      if (!Disarm()) {
        EXPECT_TRUE(done);
        test.verify(done);
        EXPECT_GT(n, 1) << "the operation makes no call";
        break;
      }
      VerifyAndRetry(test, done);
    }
  }
}

void KillAtEachCall(const FaultCase& test) {
  for (long n = 1; n < kMany && !testing::Test::HasFailure(); ++n) {
    SCOPED_TRACE("killed at call " + std::to_string(n));
    test.prepare();
    const pid_t child = ::fork();
    if (child == 0) {
      Arm(n, kKill);
      _exit(test.act() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      test.verify(true);
      break;
    }
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
    VerifyAndRetry(test, false);
  }
}

}  // namespace veneer

// The linker calls these in the place of the C library's, which have the name __real_NAME.
// NOLINTBEGIN(bugprone-reserved-identifier)
#define VENEER_WRAP(type, name, parameters, arguments) \
  extern "C" type __real_##name parameters;            \
  extern "C" type __wrap_##name parameters;            \
  type __wrap_##name parameters { return veneer::MeetsFault(#name) ? -1 : __real_##name arguments; }

VENEER_WRAP(int, open64, (const char* path, int flags, mode_t mode), (path, flags, mode))
VENEER_WRAP(int, openat64, (int at, const char* path, int flags, mode_t mode),
            (at, path, flags, mode))
VENEER_WRAP(int, mkostemp64, (char* path, int flags), (path, flags))
VENEER_WRAP(int, fstatat64, (int at, const char* path, struct stat* st, int flags),
            (at, path, st, flags))
VENEER_WRAP(ssize_t, readlinkat, (int at, const char* path, char* target, size_t size),
            (at, path, target, size))
VENEER_WRAP(int, mkdirat, (int at, const char* path, mode_t mode), (at, path, mode))
VENEER_WRAP(int, mknodat, (int at, const char* path, mode_t mode, dev_t device),
            (at, path, mode, device))
VENEER_WRAP(int, symlinkat, (const char* target, int at, const char* path), (target, at, path))
VENEER_WRAP(int, linkat, (int from, const char* path, int to, const char* name, int flags),
            (from, path, to, name, flags))
VENEER_WRAP(int, unlinkat, (int at, const char* path, int flags), (at, path, flags))
VENEER_WRAP(long, syscall, (long number, long a, long b, long c, long d, long e, long f),
            (number, a, b, c, d, e, f))
VENEER_WRAP(int, chmod, (const char* path, mode_t mode), (path, mode))
VENEER_WRAP(int, fchownat, (int at, const char* path, uid_t uid, gid_t gid, int flags),
            (at, path, uid, gid, flags))
VENEER_WRAP(int, utimensat, (int at, const char* path, const timespec* times, int flags),
            (at, path, times, flags))
VENEER_WRAP(ssize_t, getxattr, (const char* path, const char* name, void* value, size_t size),
            (path, name, value, size))
VENEER_WRAP(ssize_t, lgetxattr, (const char* path, const char* name, void* value, size_t size),
            (path, name, value, size))
VENEER_WRAP(ssize_t, listxattr, (const char* path, char* names, size_t size), (path, names, size))
VENEER_WRAP(ssize_t, llistxattr, (const char* path, char* names, size_t size), (path, names, size))
VENEER_WRAP(int, setxattr,
            (const char* path, const char* name, const void* value, size_t size, int flags),
            (path, name, value, size, flags))
VENEER_WRAP(int, lsetxattr,
            (const char* path, const char* name, const void* value, size_t size, int flags),
            (path, name, value, size, flags))
VENEER_WRAP(int, removexattr, (const char* path, const char* name), (path, name))
VENEER_WRAP(int, lremovexattr, (const char* path, const char* name), (path, name))
VENEER_WRAP(ssize_t, pread64, (int fd, void* buffer, size_t size, off_t offset),
            (fd, buffer, size, offset))
VENEER_WRAP(ssize_t, pwrite64, (int fd, const void* buffer, size_t size, off_t offset),
            (fd, buffer, size, offset))
VENEER_WRAP(int, fallocate64, (int fd, int mode, off_t offset, off_t size),
            (fd, mode, offset, size))
VENEER_WRAP(int, ftruncate64, (int fd, off_t size), (fd, size))
VENEER_WRAP(int, truncate64, (const char* path, off_t size), (path, size))
VENEER_WRAP(int, fdatasync, (int fd), (fd))
VENEER_WRAP(int, fsync, (int fd), (fd))
VENEER_WRAP(int, syncfs, (int fd), (fd))
VENEER_WRAP(int, flock, (int fd, int operation), (fd, operation))
VENEER_WRAP(int, fstatvfs64, (int fd, struct statvfs* st), (fd, st))
VENEER_WRAP(off_t, lseek64, (int fd, off_t offset, int whence), (fd, offset, whence))
VENEER_WRAP(int, ioctl, (int fd, unsigned long request, void* argument), (fd, request, argument))
VENEER_WRAP(ssize_t, copy_file_range,
            (int from, off_t* at, int to, off_t* to_at, size_t size, unsigned flags),
            (from, at, to, to_at, size, flags))
// NOLINTEND(bugprone-reserved-identifier)
