// SPDX-License-Identifier: Apache-2.0
//
// The directories in a work directory: what is built or remembered there goes by names, so nobody
// else may change them. Who owns the work directory may have made them before us, to write there
// beside us.
#ifndef VENEER_FS_UPPER_OWN_DIRECTORY_H_
#define VENEER_FS_UPPER_OWN_DIRECTORY_H_

#include <unistd.h>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"

namespace veneer {

// Makes the directory, if it is not there, and opens it for reading. It belongs to this process's
// user then, and nobody else may write to it. EPERM: it is somebody else's, and this process may
// not change that.
inline Sys<Fd> OpenOwnDirectory(sys::At at) {
  const auto made = sys::MakeDir(at, 0700);
  if (!made && made.error().code != EEXIST) return Fail(made.error());
  VENEER_TRY(Fd fd, sys::Open(at, O_RDONLY | O_DIRECTORY));
  if (made) return fd;
  VENEER_TRY(const struct stat st, sys::Stat({fd.get()}));
  if (st.st_uid != ::geteuid()) {
    VENEER_TRY_VOID(sys::Chown({fd.get()}, ::geteuid(), static_cast<gid_t>(-1)));
  }
  // The owner's rights too: the kernel's overlayfs leaves its own with none.
  if ((st.st_mode & 07777) != 0700) VENEER_TRY_VOID(sys::Chmod({fd.get()}, 0700));
  return fd;
}

}  // namespace veneer

#endif  // VENEER_FS_UPPER_OWN_DIRECTORY_H_
