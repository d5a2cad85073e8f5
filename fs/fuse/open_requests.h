// SPDX-License-Identifier: Apache-2.0
//
// Requests that open a file, and how the kernel is told to read and write it:
//
// - OPEN: with io=passthrough only; see open_files.h. So is RELEASE, of which libfuse gets those of
//   other mounts.
// - CREATE, TMPFILE: a file is made and opened in one request.
//
// A file that is made to be written only (as cp, tar and dd do) bypasses the page cache of this
// mount (FOPEN_DIRECT_IO): its bytes go from the program's memory to the daemon without a copy
// there, three times as fast for long files, and are not kept twice. Everybody else reads it
// through the page cache, from which the kernel removes what is written. That it does so after a
// write(2) too, and not only before it, where a reader may bring the old bytes back, is the case on
// Linux 6.18, the first on which it was tried; on older kernels such a file is written through the
// page cache.
//
// Thread-safe.
#ifndef VENEER_FS_FUSE_OPEN_REQUESTS_H_
#define VENEER_FS_FUSE_OPEN_REQUESTS_H_

#include "fs/fuse/request.h"

namespace veneer {

// The handle of a file that bypasses the page cache, in its WRITE requests. Others have 0.
inline constexpr uint64_t kDirectHandle = 1;

// True with io=passthrough, also as long as it is not known whether the kernel does it.
bool MayPass(const Mount& mount);

}  // namespace veneer

#endif  // VENEER_FS_FUSE_OPEN_REQUESTS_H_
