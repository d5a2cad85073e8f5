// SPDX-License-Identifier: Apache-2.0
//
// What libfuse before 3.17 (Debian 12, Ubuntu 24.04) does not do itself, done around it:
//
// - HANDLE_KILLPRIV_V2 and SETXATTR_EXT (see raw_protocol.h) are unknown to it, PARALLEL_DIROPS it
//   forgets to ask for: the flags are added to its INIT reply on the way out.
// - Nor does it know FUSE_PASSTHROUGH and FUSE_NO_EXPORT_SUPPORT.
// - It reads the shorter header of SETXATTR only: the longer one is cut back.
//
// From 3.17 on libfuse does all of that when Session asks for it, and nothing may be changed behind
// its back; the functions are then empty. Its replies cannot even be intercepted any more: since
// 3.18.3 fuse_session_custom_io() is refused by a libfuse as distributions build it. Thread-safe.
#ifndef VENEER_FS_FUSE_OLD_LIBFUSE_H_
#define VENEER_FS_FUSE_OLD_LIBFUSE_H_

#include <cstddef>

#include "fs/fuse/fuse_api.h"
#include "fs/fuse/request.h"

namespace veneer {

#if VENEER_OLD_LIBFUSE

// From now on the replies of `session`, whose user data is a Mount, go through this file. What is
// agreed upon at INIT is noted in the Mount.
Sys<void> CompleteReplies(fuse_session* session, int device);

// Tells what the kernel offers, before libfuse replies to this request of INIT on the same thread.
void NoteInit(const fuse_init_in& init);

// Takes the fields that libfuse does not know out of a SETXATTR request with the longer header.
void ShortenSetXattr(char* request, size_t& size);

#else

inline Sys<void> CompleteReplies(fuse_session* /*session*/, int /*device*/) { return {}; }
inline void NoteInit(const fuse_init_in& /*init*/) {}
inline void ShortenSetXattr(char* /*request*/, size_t& /*size*/) {}

#endif

}  // namespace veneer

#endif  // VENEER_FS_FUSE_OLD_LIBFUSE_H_
