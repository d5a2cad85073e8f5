// SPDX-License-Identifier: Apache-2.0
//
// The kernel's side of a FUSE mount: made through fusermount3 by an ordinary user, or directly
// inside a namespace of one's own; and taken away again. The daemon then gets the open device.
#ifndef VENEER_TOOLS_RUN_FUSE_MOUNT_H_
#define VENEER_TOOLS_RUN_FUSE_MOUNT_H_

#include <string>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

struct FuseDevice {
  Fd device;  // to be served by veneerfs
  bool allow_other = false;
};

// Opens /dev/fuse; the error says what does not work without it, and what to do.
Result<Fd> OpenFuseDevice();
// Where fusermount3(1) is; the error likewise.
Result<std::string> FindFusermount();

// Mounts at `mount_point` through fusermount3(1), with allow_other where /etc/fuse.conf lets it.
// `source` is what the mount table shows.
Result<FuseDevice> MountThroughHelper(const std::string& mount_point, const std::string& source,
                                      bool read_only);

struct DetachedFuse {
  Fd device;
  Fd mount;  // attached nowhere yet; the file system ends when it is closed
};

// Makes a mount that only holders of the descriptor can see. REQUIRES: CAP_SYS_ADMIN over the mount
// namespace, in the user namespace that the device is opened in.
Result<DetachedFuse> MountDetached(const std::string& source);

enum class UnmountMode { kNormal, kLazy };

// Unmounts, as root by umount2(2), else through fusermount3. EBUSY (in Error::code()) when files
// are in use.
Result<void> Unmount(const std::string& mount_point, UnmountMode mode);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_FUSE_MOUNT_H_
