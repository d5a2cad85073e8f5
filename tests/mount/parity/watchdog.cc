// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/watchdog.h"

#include <unistd.h>

#include <chrono>
#include <utility>

namespace veneer::parity {

Watchdog::Watchdog(int seconds, std::function<void(const std::string&)> on_hang)
    : seconds_(seconds), on_hang_(std::move(on_hang)), thread_([this] { Watch(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard<std::mutex> lock(mu_);
    stop_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::Feed(std::string what) {
  const std::lock_guard<std::mutex> lock(mu_);
  what_ = std::move(what);
  fed_ = true;
}

void Watchdog::Watch() {
  std::unique_lock<std::mutex> lock(mu_);
  while (!stop_) {
    fed_ = false;
    changed_.wait_for(lock, std::chrono::seconds(seconds_), [this] { return stop_; });
    if (stop_ || fed_) continue;
    on_hang_(what_);
    ::_exit(1);
  }
}

}  // namespace veneer::parity
