// SPDX-License-Identifier: Apache-2.0
//
// Ends a run that hangs: a system call on a FUSE mount whose daemon does not answer waits for ever.
// The watchdog then says where the run was, kills the daemon, and ends the process.
//
// Thread-safe: it watches from a thread of its own.
#ifndef VENEER_TESTS_MOUNT_PARITY_WATCHDOG_H_
#define VENEER_TESTS_MOUNT_PARITY_WATCHDOG_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace veneer::parity {

class Watchdog {
 public:
  // `on_hang` is called from the watching thread after `seconds` without Feed(); the process ends
  // after it.
  Watchdog(int seconds, std::function<void(const std::string& last)> on_hang);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Something goes on; `what` is what it is.
  void Feed(std::string what);

 private:
  void Watch();

  const int seconds_;
  const std::function<void(const std::string&)> on_hang_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::string what_;    // guarded by mu_
  bool stop_ = false;   // guarded by mu_
  bool fed_ = false;    // guarded by mu_
  std::thread thread_;  // last: it uses the others
};

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_WATCHDOG_H_
