// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/process_progress.h"

#include <string>

#include "layerdb/base/proc.h"

namespace veneer {

std::chrono::milliseconds ProcessProgress::StuckFor() {
  const std::string threads = ProcessPath(pid_) + "/task/";
  bool busy = false;
  uint64_t used = 0;
  for (const int id : NumbersIn(threads)) {
    const Sys<TaskStat> thread = ReadTaskStat(threads + std::to_string(id));
    if (!thread) continue;
    busy = busy || thread->state == 'R' || thread->state == 'D';
    used += thread->ticks;
  }
  const Clock::time_point now = Clock::now();
  // Also less: a thread has ended.
  if (busy || used != used_) last_ = now;
  used_ = used;
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - last_);
}

}  // namespace veneer
