// SPDX-License-Identifier: Apache-2.0
//
// Fd: the owner of one file descriptor. Closing preserves errno, so a cleanup never hides the
// failure that caused it. Movable, not copyable; not thread-safe.
#ifndef VENEER_LAYERDB_BASE_FD_H_
#define VENEER_LAYERDB_BASE_FD_H_

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace veneer {

class [[nodiscard]] Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Gives the descriptor away; the caller closes it.
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  void Reset() {
    if (fd_ < 0) return;
    const int saved = errno;
    ::close(fd_);
    errno = saved;
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_FD_H_
