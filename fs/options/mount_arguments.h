// SPDX-License-Identifier: Apache-2.0
//
// What libfuse is told about a mount, from what the caller asked for. A pure function.
#ifndef VENEER_FS_OPTIONS_MOUNT_ARGUMENTS_H_
#define VENEER_FS_OPTIONS_MOUNT_ARGUMENTS_H_

#include <string>
#include <vector>

#include "fs/options/options.h"

namespace veneer {

struct MountHost {
  bool root = false;     // mounts by itself; other users go through fusermount3
  bool selinux = false;  // a context= means something
  // A layer or the upper lies on a mount with this option.
  bool layers_nosuid = false;
  bool layers_nodev = false;
};

// The arguments for fuse_session_new(), the program's name first. default_permissions and noatime
// always; as root also allow_other, suid, dev (unless a layer has not), unless the caller says
// otherwise; ro without an upper directory.
std::vector<std::string> MountArguments(const MountOptions& options, const MountHost& host);

}  // namespace veneer

#endif  // VENEER_FS_OPTIONS_MOUNT_ARGUMENTS_H_
