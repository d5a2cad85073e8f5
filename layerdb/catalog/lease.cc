// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/lease.h"

#include <fcntl.h>
#include <sys/file.h>

#include <thread>

namespace veneer {
namespace {

constexpr std::chrono::milliseconds kPoll{5};

// Neither a link nor a fifo that is in the way is waited for.
Fd OpenForLease(const std::string& path) {
  return Fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

}  // namespace

bool IsLeased(const std::string& path) {
  const Fd fd = OpenForLease(path);
  if (!fd) return false;
  int failed = 0;
  do {
    failed = flock(fd.get(), LOCK_SH | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  return failed != 0 && errno == EWOULDBLOCK;
}

Sys<std::optional<Fd>> TakeLease(const std::string& path, std::chrono::milliseconds patience) {
  Fd fd = OpenForLease(path);
  if (!fd) return FailErrno();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return FailErrno();
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(kPoll);
  }
  return std::optional<Fd>(std::move(fd));
}

}  // namespace veneer
