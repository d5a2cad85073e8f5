// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says and libfuse does not pass on. A request is looked at here before libfuse
// sees it:
//
// - HANDLE_KILLPRIV_V2: with it the kernel stops asking for security.capability before every write,
//   and says in WRITE and SETATTR when set-user-ID bits must go. libfuse passes that on since
//   3.18.3, and of SETATTR alone since 3.17, so the bits of each request are kept for the handler.
// - SETXATTR_EXT: the same for set-group-ID and ACLs, in a longer header of SETXATTR.
// - The requests that have a raw handler in the table of operations.h never reach libfuse. With
//   io=passthrough the INIT reply asks for FUSE_PASSTHROUGH; see passthrough.h.
//
// Protocol: linux/fuse.h. Thread-safe: what is kept is kept per thread.
#ifndef VENEER_FS_FUSE_RAW_PROTOCOL_H_
#define VENEER_FS_FUSE_RAW_PROTOCOL_H_

#include <cstddef>

#include "fs/fuse/operations.h"
#include "fs/fuse/request.h"

namespace veneer {

// Of the request that this thread serves now.
struct RawBits {
  bool from_mapping = false;     // WRITE: pages that were written through a mapping
  bool kill_privileges = false;  // WRITE, SETATTR: clear set-user-ID, set-group-ID and capabilities
  bool kill_set_group_id = false;  // SETXATTR of an ACL: clear set-group-ID
  // The nodes whose attributes it changes, as far as it names them.
  ChangedNodes changes = {kNoNode, kNoNode};
};
const RawBits& CurrentRawBits();

// Looks at a request of `size` bytes, may shorten it, and returns true when it was answered here
// for good. REQUIRES: size >= sizeof(fuse_in_header), as the kernel guarantees.
bool ServeRaw(const Mount& mount, char* request, size_t& size);

// The number of the request that this thread serves.
uint64_t CurrentRequest();

// True when whoever waits for the answer to the request that this thread serves has been killed.
bool CallerIsBeingKilled();

// After the reply to INIT with io=passthrough: finds out whether the kernel really does it; where
// not, logs why, and the mount goes on as with io=cached.
void DecidePassthrough(const Mount& mount);

// The kind of a request. REQUIRES: as ServeRaw().
uint32_t OpcodeOf(const char* request);

// When a changing request of this thread fails: a part of it may be done, so the kernel asks for
// the attributes again of what it changes. Nothing after an error that means that nothing was
// begun. To be called before the answer.
void ForgetAttributesAfter(const Mount& mount, int error);

// Lets the kernel ask for the attributes of `node` again. Touches no page and no name, so that it
// may be sent while a request is served.
void ForgetAttributes(const Mount& mount, fuse_ino_t node);

}  // namespace veneer

#endif  // VENEER_FS_FUSE_RAW_PROTOCOL_H_
