// SPDX-License-Identifier: Apache-2.0
//
// STATX: GETATTR that can tell when an object was made. The kernel sends it when a program asks for
// that (stat(1) does, and what is written in Rust or for Node.js), and then keeps the answer.
//
// Spoken to the kernel directly (include/uapi/linux/fuse.h of Linux 6.6 and later), because libfuse
// knows it since 3.18 only, and Debian 12's header not at all. The names are our own, so that a
// newer header does no harm.
#ifndef VENEER_FS_FUSE_STATX_REQUEST_H_
#define VENEER_FS_FUSE_STATX_REQUEST_H_

#include "fs/fuse/fuse_api.h"
#include "fs/fuse/request.h"

namespace veneer {

inline constexpr uint32_t kStatxOpcode = 52;

}  // namespace veneer

#endif  // VENEER_FS_FUSE_STATX_REQUEST_H_
