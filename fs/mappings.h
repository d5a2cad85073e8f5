// SPDX-License-Identifier: Apache-2.0
//
// What programs wrote through a mapping and the kernel still has: it must come to the daemon before
// its mount ends. A mount that another process has made, and passed on as a connection alone, is
// looked for in the mount tables first.
#ifndef VENEER_FS_MAPPINGS_H_
#define VENEER_FS_MAPPINGS_H_

#include <sys/types.h>

#include <string>

namespace veneer {

// Writes back what the mount at this path has. Failures are logged.
void FlushMappingsAt(const std::string& mount_point);

// A mount as the mount tables name it.
struct MountName {
  std::string type;
  std::string source;
};

// The device of the one mount of this name in this mount namespace; ServedMount::kUnknown: there is
// none, or several.
dev_t DeviceOfMount(const MountName& name);

// Writes back what the mounts of this name have that this process serves, in whatever mount
// namespace they are. Those are left out that another process is known to serve: they could hang.
// When none is found, that is logged.
void FlushMappingsOf(const MountName& name);

}  // namespace veneer

#endif  // VENEER_FS_MAPPINGS_H_
