// SPDX-License-Identifier: Apache-2.0
//
// FUSE passthrough: the kernel reads, writes and maps a file of the upper itself, in place of
// requests.
//
// Spoken to the kernel directly (include/uapi/linux/fuse.h and
// Documentation/filesystems/fuse/fuse-passthrough.rst of Linux 6.9 and later), because Debian 12's
// libfuse and header do not know it. The names are our own, so that a newer header, which has the
// same things, does no harm.
#ifndef VENEER_FS_FUSE_PASSTHROUGH_H_
#define VENEER_FS_FUSE_PASSTHROUGH_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "fs/fuse/open_files.h"
#include "layerdb/base/result.h"

namespace veneer {

// FOPEN_PASSTHROUGH, a flag of the answer to OPEN. The id of the backing file is where older
// headers have the padding of fuse_open_out.
inline constexpr uint32_t kOpenPassthrough = 1 << 7;
struct PassthroughOpenOut {
  uint64_t handle;
  uint32_t open_flags;
  int32_t backing_id;
};

// FUSE_INIT_EXT and FUSE_PASSTHROUGH among the flags of INIT, the second half of which is flags2.
inline constexpr uint64_t kInitExtended = uint64_t{1} << 30;
inline constexpr uint64_t kInitPassthrough = uint64_t{1} << 37;

// How many file systems may lie on top of each other from this mount down to the backing file, this
// one left out. One is what leaves room for overlayfs on top of this mount: the kernel allows two
// in all.
inline constexpr uint32_t kPassthroughDepth = 1;

// Puts into a reply to INIT, a fuse_init_out of `size` bytes, that passthrough is wanted. False:
// the reply has no place for it. REQUIRES: the request had both flags.
bool RequestPassthrough(void* init_out, size_t size);

// The backing files of one connection to the kernel. Thread-safe.
class KernelBackings : public Backings {
 public:
  // `device` stays the caller's.
  explicit KernelBackings(int device) : device_(device) {}
  Sys<int32_t> Register(int fd) override;
  void Unregister(int32_t id) override;

  // After INIT: whether files of the directory `upper` can be backing files. Makes a nameless file
  // there for a moment.
  Sys<void> Probe(const std::string& upper);

 private:
  const int device_;
};

// What a user reads when Probe() failed with `why`.
std::string NoPassthroughText(Errno why);

}  // namespace veneer

#endif  // VENEER_FS_FUSE_PASSTHROUGH_H_
