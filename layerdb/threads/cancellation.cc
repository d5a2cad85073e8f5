// SPDX-License-Identifier: Apache-2.0
#include "layerdb/threads/cancellation.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <vector>

namespace veneer {

Cancellation::Cancellation(const Cancellation* parent)
    : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), parent_(parent) {}

void Cancellation::Request() noexcept {
  const int saved = errno;
  requested_.store(true, std::memory_order_relaxed);
  IgnoreError(eventfd_write(event_.get(), 1), "it is readable already");
  errno = saved;
}

Result<void> Cancellation::Check(const Cancellation* cancel) {
  if (cancel == nullptr || !cancel->requested()) return {};
  return tl::unexpected(Error("interrupted", ExitCode::kFailed, ECANCELED));
}

Sys<void> Cancellation::WaitForInput(const Cancellation* cancel, int fd) {
  if (cancel == nullptr) return {};
  // poll(2) passes over a descriptor of -1.
  std::vector<pollfd> fds = {{fd, POLLIN, 0}};
  for (const Cancellation* one = cancel; one != nullptr; one = one->parent_) {
    fds.push_back({one->event_.get(), POLLIN, 0});
  }
  while (!cancel->requested()) {
    if (poll(fds.data(), fds.size(), -1) < 0) {
      if (errno != EINTR) return FailErrno();
    } else if (fds[0].revents != 0) {
      return {};
    }
  }
  return Fail(ECANCELED);
}

}  // namespace veneer
