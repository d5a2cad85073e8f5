// SPDX-License-Identifier: Apache-2.0
//
// Taking from a command the rights that a container's programs do not have: capabilities and
// system calls. What is worked out before the session begins is apart from what its command does
// to itself.
#ifndef VENEER_TOOLS_RUN_COMMAND_RIGHTS_H_
#define VENEER_TOOLS_RUN_COMMAND_RIGHTS_H_

#include <sys/types.h>

#include <optional>

#include "layerdb/base/result.h"
#include "tools/run/capabilities.h"
#include "tools/run/seccomp_filter.h"
#include "tools/run/session_spec.h"

namespace veneer {

struct CommandRights {
  std::optional<CapabilityMask> capabilities;  // at most; nullopt: those of the caller
  SeccompFilter filter;                        // empty: every system call
};

// The error is that of a damaged seccomp profile. The profile is read once in a process, by the
// first call, so that a process that starts sessions can have it ready. Thread-safe.
Result<CommandRights> RightsFor(const std::optional<Confinement>& confinement);

// First, as root: what no execve(2) may bring back. Permitted capabilities then outlast the change
// of the user, for LoadSeccomp() needs one of them: without no_new_privs, which would disarm sudo
// and its like, the kernel lets nobody else load a filter.
Sys<void> LimitRights(const CommandRights& rights);

// Last before execve(2), as the user of the command. A user who is not root has no capabilities.
Sys<void> DropRights(const CommandRights& rights, uid_t user);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_COMMAND_RIGHTS_H_
