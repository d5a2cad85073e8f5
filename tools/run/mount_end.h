// SPDX-License-Identifier: Apache-2.0
//
// The end of a FUSE mount. umount2(2) takes the mount away and returns while the daemon is still
// writing and closing what it had: the kernel waits for that with virtiofs and fuseblk only. So the
// process that serves it is waited for.
#ifndef VENEER_TOOLS_RUN_MOUNT_END_H_
#define VENEER_TOOLS_RUN_MOUNT_END_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "layerdb/base/fd.h"
#include "layerdb/base/mount_table.h"

namespace veneer {

class MountEnd {
 public:
  // What is to be known of a mount while it is there. A process that claims to serve it without
  // being root's or that of the user who mounted is not believed.
  explicit MountEnd(const MountEntry& mount);

  enum class Outcome {
    kEnded,  // everything is closed; also when nobody is known to serve it
    kHeld,   // the file system is mounted elsewhere too, so its daemon goes on
    kStuck,  // the daemon is there and does nothing
  };
  // Call when it is unmounted. Waits as long as the daemon gets on with its end.
  Outcome Wait();

  // After kHeld: by what, as in "sleep (pid 12) in another mount namespace".
  const std::string& holders() const { return holders_; }
  std::optional<pid_t> server() const { return server_; }

 private:
  bool StillServes() const;

  MountEntry mount_;
  std::optional<pid_t> server_;
  Fd process_;  // of the server
  std::string holders_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_MOUNT_END_H_
