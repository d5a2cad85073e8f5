// SPDX-License-Identifier: Apache-2.0
//
// Upper: the writable directory of a mount and its work directory.
#ifndef VENEER_FS_UPPER_UPPER_H_
#define VENEER_FS_UPPER_UPPER_H_

#include <memory>
#include <string>

#include "layerdb/base/result.h"

namespace veneer {

struct UpperOptions {
  std::string upperdir;
  std::string workdir;
  bool is_volatile = false;       // never wait for the disk
  bool user_xattrs = false;       // write user.overlay.* instead of trusted.overlay.*
  bool redirect_dir = true;       // false: renaming a lower directory is EXDEV
  bool metacopy = true;           // false: chmod and friends copy the contents too
  int xattr_permissions = 0;      // 2: owner and mode in user.containers.override_stat
};

class Upper {
 public:
  // Opens, checks and locks. Fails with one clear line: not a directory, other file system than the work
  // directory, foreign things in the work directory, in use (ExitCode::kInUse, with the pid of the holder).
  // Empties the work directory of what a crash left. Waits up to a second for a holder that is going away.
  static Result<std::unique_ptr<Upper>> Open(const UpperOptions& options);
  ~Upper();
};

}  // namespace veneer

#endif  // VENEER_FS_UPPER_UPPER_H_
