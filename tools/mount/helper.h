// SPDX-License-Identifier: Apache-2.0
//
// What mount(8) and umount(8) leave to a helper: starting veneerfs, remounting, and unmounting with
// the wait for the end.
#ifndef VENEER_TOOLS_MOUNT_HELPER_H_
#define VENEER_TOOLS_MOUNT_HELPER_H_

#include "layerdb/base/result.h"
#include "tools/mount/helper_arguments.h"

namespace veneer {

// Starts veneerfs, or changes the flags of what is mounted there.
Result<void> MountByHelper(const MountCall& call);

// Unmounts, and returns when everything is closed; at once where that is not to be waited for: it
// was unmounted lazily, or is mounted elsewhere too, which a line on standard error says.
Result<void> UnmountByHelper(const UnmountCall& call);

}  // namespace veneer

#endif  // VENEER_TOOLS_MOUNT_HELPER_H_
