// SPDX-License-Identifier: Apache-2.0
//
// Starting veneerfs and waiting for its end. The daemon goes to the background by itself once its
// mount answers; which process it is is found out here, so that it can be told from any other later
// on.
#ifndef VENEER_TOOLS_RUN_DAEMON_H_
#define VENEER_TOOLS_RUN_DAEMON_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"

namespace veneer {

// What a daemon serves. Paths are plain; they are escaped here.
struct DaemonSpec {
  std::vector<std::string> lowers;  // top first: sealed indexes or directories
  std::string objects;              // may be empty when all lowers are directories
  std::string upper;                // empty: read-only
  std::string work;
  std::string source;                // what the mount table shows as the source
  std::vector<std::string> options;  // further -o options, as the user wrote them
};

// Where veneerfs is; the error says what does not work without it.
Result<std::string> FindVeneerfs();

// The -o argument of veneerfs. Pure.
std::string DaemonOptions(const DaemonSpec& spec);

// Mounts at a directory. REQUIRES: the right to mount.
Result<ProcessId> StartDaemonAt(const DaemonSpec& spec, const std::string& mount_point);

// Serves a mount that was made already, whose device is `device`; `prepare` runs in the child
// before (empty: nothing). `keep_out`: descriptors that the daemon must never hold.
Result<ProcessId> StartDaemonOn(const DaemonSpec& spec, int device,
                                std::function<Result<void>()> prepare,
                                const std::vector<int>& keep_out);

// How long a daemon may take to write everything to disk once its mount is gone.
inline constexpr std::chrono::seconds kDaemonPatience{120};

// Waits until the process has ended; false when it has not within `limit`.
bool WaitUntilGone(const ProcessId& process, std::chrono::milliseconds limit);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_DAEMON_H_
