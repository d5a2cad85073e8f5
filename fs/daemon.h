// SPDX-License-Identifier: Apache-2.0
//
// What makes a program a daemon: going to the background without leaving the caller in doubt, and
// ending on signals. Used by main() of veneerfs only, from its first thread unless said otherwise.
#ifndef VENEER_FS_DAEMON_H_
#define VENEER_FS_DAEMON_H_

#include <atomic>
#include <functional>
#include <thread>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

// The caller's process waits until the daemon answers, then ends with 0; when the daemon ends
// before that, with the daemon's exit code.
class Background {
 public:
  // Stays in the foreground.
  Background() = default;
  // Forks. Returns in the child; the parent waits and never returns. The child stays in the
  // caller's process group until Ready(): under a mount point of autofs, all others wait until
  // something is mounted there. REQUIRES: no other threads.
  static Result<Background> Fork();

  // Leaves the caller's session, tells the parent that all is well, sends the log to the system log
  // and standard input, output and error to /dev/null. False: the parent is gone, nobody wants this
  // daemon. In the foreground only true. From any thread.
  bool Ready();

 private:
  explicit Background(Fd parent) : parent_(std::move(parent)) {}
  Fd parent_;  // the writing end of a pipe; empty in the foreground
};

// Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 in this thread and those made later, and ignores
// SIGPIPE and SIGXFSZ.
void BlockSignals();

// A thread that waits for those signals: at SIGUSR1 it calls `report`, at the first other one
// `end`. The destructor stops the waiting.
class Signals {
 public:
  Signals(std::function<void()> end, std::function<void()> report);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  std::atomic<bool> finished_ = false;
  std::thread thread_;
};

// The limits of descriptors and of the size of a file to as much as allowed; the umask to 0 (the
// caller's comes with each request); "/" as working directory; closes every descriptor but the
// standard ones and `keep` (-1: none). Returns the limit of descriptors.
size_t PrepareProcess(int keep);

}  // namespace veneer

#endif  // VENEER_FS_DAEMON_H_
