// SPDX-License-Identifier: Apache-2.0
//
// What programs wrote through mappings of files of a FUSE mount, brought to its daemon. syncfs(2)
// alone sends it: since Linux 6.16 it does not wait for the answers of a file system whose server
// is a program of a user.
#ifndef VENEER_TOOLS_RUN_WRITE_BACK_H_
#define VENEER_TOOLS_RUN_WRITE_BACK_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "layerdb/base/result.h"

namespace veneer {

// Sends what is dirty, and waits until the daemon has answered. True when it has; false when
// requests of others came all the time, so that it could not be told. `daemon`: who serves the
// mount, for a user who may not see the kernel's count of requests.
Result<bool> WriteBack(const std::string& mount_point, std::optional<pid_t> daemon);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_WRITE_BACK_H_
