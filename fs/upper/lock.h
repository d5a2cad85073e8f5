// SPDX-License-Identifier: Apache-2.0
//
// The lock by which one mount at a time has an upper directory.
#ifndef VENEER_FS_UPPER_LOCK_H_
#define VENEER_FS_UPPER_LOCK_H_

#include <string>

#include "layerdb/base/result.h"

namespace veneer {

// Locks an open directory (flock(2)) until it is closed. Whoever was unmounted and is still closing
// what it had is waited for, as long as it gets on with that. kInUse: it is in use by another
// mount, which is named. `what` is the directory, for people. Thread-safe.
Result<void> LockDirectory(int fd, const std::string& what);

}  // namespace veneer

#endif  // VENEER_FS_UPPER_LOCK_H_
