// SPDX-License-Identifier: Apache-2.0
//
// Which process serves which FUSE mount. The kernel does not tell: whoever wants to wait until
// everything of a mount is closed, or to know whether the holder of an upper directory is still
// mounted, learns it here.
//
// The daemon holds a POSIX lock on a file of its own in memory, at an offset that is the number of
// the mount's device; /proc/locks (proc(5)) shows everybody the offset and, in the reader's own pid
// namespace, the process. So there is no file that a killed daemon could leave behind, no question
// to a daemon that may hang, and no pid of another namespace.
#ifndef VENEER_LAYERDB_BASE_SERVED_MOUNT_H_
#define VENEER_LAYERDB_BASE_SERVED_MOUNT_H_

#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/proc.h"
#include "layerdb/base/result.h"

namespace veneer {

// Held by the process that serves a mount, from the first answer on until its end.
class ServedMount {
 public:
  // In the place of a device: a mount whose device the server does not know.
  static constexpr dev_t kUnknown = 0;
  // In the place of a device: the mount is gone, and its server is closing what it had.
  static const dev_t kEnded;

  ServedMount() = default;
  // Tells that this process serves the mount of `device` (st_dev of what is in it).
  static Sys<ServedMount> Announce(dev_t device);
  // Tells that the mount is gone. Does nothing when there was none.
  Sys<void> AnnounceEnd();

 private:
  Fd fd_;
};

struct MountServer {
  pid_t pid = 0;
  dev_t device = 0;
  friend bool operator==(const MountServer&, const MountServer&) = default;
};

// Those that hold these locks. Pure.
std::vector<MountServer> MountServersBy(const std::vector<FileLock>& locks);
// All that can be seen from this pid namespace. Anybody can claim to be one: look at the owner of
// the process.
std::vector<MountServer> MountServers();
// The first of these that serves a device, or is a process.
std::optional<pid_t> ServerOf(dev_t device);
std::optional<dev_t> DeviceServedBy(pid_t pid);

// The device as the mount table writes it ("0:55"). Pure.
std::optional<dev_t> ParseDevice(std::string_view text);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_SERVED_MOUNT_H_
