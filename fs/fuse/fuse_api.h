// SPDX-License-Identifier: Apache-2.0
//
// libfuse's low-level interface and the kernel's own header, in the versions this daemon is written
// against. Newer ones offer the interface named here too. Private to fs/fuse.
#ifndef VENEER_FS_FUSE_FUSE_API_H_
#define VENEER_FS_FUSE_FUSE_API_H_

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <linux/fuse.h>

// Whether it needs the help of old_libfuse.h.
#define VENEER_OLD_LIBFUSE (FUSE_VERSION < FUSE_MAKE_VERSION(3, 17))

#endif  // VENEER_FS_FUSE_FUSE_API_H_
