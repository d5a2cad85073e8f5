// SPDX-License-Identifier: Apache-2.0
//
// Mounts by descriptor (fsopen(2), open_tree(2), move_mount(2), mount_setattr(2)), and paths
// resolved inside a root (openat2(2)). No mount of a session goes through a path in an untrusted
// tree, so no symlink put in the way can move it elsewhere (CVE-2021-30465, CVE-2025-31133).
// Thread-safe.
#ifndef VENEER_TOOLS_RUN_MOUNT_API_H_
#define VENEER_TOOLS_RUN_MOUNT_API_H_

#include <sys/mount.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer::mounts {

// One parameter of a file system; an empty value makes it a flag.
struct Parameter {
  const char* key;
  std::string value;
};

// A new file system, mounted nowhere yet. `attributes`: MOUNT_ATTR_*. The mount is gone when the
// descriptor is closed before Attach().
Sys<Fd> NewMount(const char* type, const std::vector<Parameter>& parameters, uint64_t attributes);

enum class Depth { kOne, kTree };

// A copy of the mount at `path` (of the directory `dir`; "" is `dir` itself), mounted nowhere yet:
// a bind mount in the making. Follows symlinks of the caller's own view.
Sys<Fd> CloneMount(int dir, const char* path, Depth depth);

// Changes MOUNT_ATTR_* of a mount or of the whole tree below it.
Sys<void> SetAttributes(int mount, uint64_t set, uint64_t clear, Depth depth);

// Puts a mount on what `target` refers to (an O_PATH descriptor).
Sys<void> Attach(int mount, int target);

// Opens `path` with `root` as its root: absolute paths, ".." and symlinks stay inside; the magic
// links of /proc are refused. O_CLOEXEC is added.
Sys<Fd> OpenInRoot(int root, const std::string& path, int flags, mode_t mode = 0);

}  // namespace veneer::mounts

#endif  // VENEER_TOOLS_RUN_MOUNT_API_H_
