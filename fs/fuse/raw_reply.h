// SPDX-License-Identifier: Apache-2.0
//
// Answers to the kernel that do not go through libfuse (linux/fuse.h). Thread-safe.
#ifndef VENEER_FS_FUSE_RAW_REPLY_H_
#define VENEER_FS_FUSE_RAW_REPLY_H_

#include <sys/uio.h>

#include <cstdint>

#include "fs/fuse/request.h"

namespace veneer {

// Answers the request `unique` with an errno, or with 0 and `body`. With `unique` 0 it is a
// notification, whose code stands in place of the errno. False: nobody waits for the answer any
// more (the caller was killed, the file system unmounted), or the kernel does not know the node of
// the notification.
bool SendReply(const Mount& mount, uint64_t unique, int error, iovec body);

// With -d: the line of a request, and that of its reply of `size` bytes in all.
void PrintRequest(const fuse_in_header& header);
void PrintReply(uint64_t unique, int error, size_t size);

// A timeout as replies have it.
void SetTimeout(double timeout, uint64_t& seconds, uint32_t& nanoseconds);

// What LOOKUP and all that makes a name answer with.
fuse_entry_out ToEntryOut(const Mount& mount, const Entry& entry);

}  // namespace veneer

#endif  // VENEER_FS_FUSE_RAW_REPLY_H_
