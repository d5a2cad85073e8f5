// SPDX-License-Identifier: Apache-2.0
//
// Whether another process gets on with its work, seen from outside: for who waits for it as long as
// it does, however long that is, and no longer.
#ifndef VENEER_LAYERDB_BASE_PROCESS_PROGRESS_H_
#define VENEER_LAYERDB_BASE_PROCESS_PROGRESS_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace veneer {

// Of one thread.
class ProcessProgress {
 public:
  explicit ProcessProgress(pid_t pid) : pid_(pid) {}

  // For how long the process has neither used a processor, nor waited for one or for a disk, as far
  // as the calls of this function have seen. A process that is gone makes none.
  std::chrono::milliseconds StuckFor();

 private:
  using Clock = std::chrono::steady_clock;
  pid_t pid_;
  uint64_t used_ = 0;  // clock ticks of processors
  Clock::time_point last_ = Clock::now();
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_PROCESS_PROGRESS_H_
