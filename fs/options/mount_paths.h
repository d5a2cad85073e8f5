// SPDX-License-Identifier: Apache-2.0
//
// The directories of a mount: found, resolved, and checked against each other before anything is
// opened. A mount point inside a layer would make the daemon call itself and hang for ever; an
// upper directory inside a layer would change what must not change.
#ifndef VENEER_FS_OPTIONS_MOUNT_PATHS_H_
#define VENEER_FS_OPTIONS_MOUNT_PATHS_H_

#include <string>
#include <vector>

#include "fs/options/options.h"
#include "layerdb/base/result.h"

namespace veneer {

// Absolute paths without symlinks, so that they stay true after chdir("/").
struct MountPaths {
  std::vector<std::string> lowers;  // top first, as in the options
  std::string upper;                // empty: none
  std::string work;
  std::string objects;
  std::string mount_point;
  int device_fd = -1;  // the mount point was "/dev/fd/N": N is a connection that a parent mounted
};

// Fails with one line that names the option and the path: missing, not a directory, a lower that is
// neither a directory nor a regular file, a mount point inside a layer or the other way round,
// upper and work inside each other or inside a lower. "Inside" is decided by device and inode
// number of every parent, so bind mounts and symlinks do not hide it.
Result<MountPaths> ResolveMountPaths(const MountOptions& options);

}  // namespace veneer

#endif  // VENEER_FS_OPTIONS_MOUNT_PATHS_H_
