// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "layerdb/base/files.h"
#include "layerdb/base/proc.h"
#include "layerdb/catalog/containers.h"

namespace veneer {
namespace {

Sys<std::string> BootId() {
  VENEER_TRY(std::string text, ReadFile("/proc/sys/kernel/random/boot_id", 64));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// That of /proc, by whose numbers processes are looked for. 0: not to be had.
uint64_t PidNamespace() {
  struct stat st;
  return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

}  // namespace

Sys<ProcessId> ProcessId::Of(pid_t pid) {
  VENEER_TRY(const TaskStat stat, ReadTaskStat(ProcessPath(pid)));
  if (stat.IsGone()) return Fail(ESRCH);
  VENEER_TRY(std::string boot_id, BootId());
  return ProcessId{pid, stat.start_time, std::move(boot_id), PidNamespace()};
}

bool ProcessId::IsOfHere() const { return pid_namespace == 0 || pid_namespace == PidNamespace(); }

bool ProcessId::IsAlive() const {
  if (!IsOfHere()) return false;
  const Sys<ProcessId> now = Of(pid);
  return now && now->start_time == start_time && now->boot_id == boot_id;
}

}  // namespace veneer
