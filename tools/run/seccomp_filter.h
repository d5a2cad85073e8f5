// SPDX-License-Identifier: Apache-2.0
//
// A profile of system calls as the program that the kernel runs at each of them (seccomp(2)).
// Compiling and loading are apart: the first takes memory and time, the second is the last thing
// that a process does before its execve(2).
#ifndef VENEER_TOOLS_RUN_SECCOMP_FILTER_H_
#define VENEER_TOOLS_RUN_SECCOMP_FILTER_H_

#include <linux/filter.h>

#include <vector>

#include "layerdb/base/result.h"
#include "tools/run/seccomp_profile.h"

namespace veneer {

using SeccompFilter = std::vector<struct sock_filter>;

// Thread-safe.
Result<SeccompFilter> CompileSeccomp(const SeccompProfile& profile);

// From here on this thread and its children are under `filter`. REQUIRES: CAP_SYS_ADMIN in this
// user namespace, or no_new_privs.
Sys<void> LoadSeccomp(const SeccompFilter& filter);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_SECCOMP_FILTER_H_
