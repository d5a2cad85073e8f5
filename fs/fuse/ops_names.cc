// SPDX-License-Identifier: Apache-2.0
//
// Names: lookup, making, linking, removing, renaming, forgetting. CREATE is served in
// open_requests.cc.
#include <sys/sysmacros.h>

#include "fs/fuse/handlers.h"
#include "fs/fuse/request.h"

namespace veneer {

void serve::Lookup(Request& r, fuse_ino_t parent, const char* name) {
  // A missing name is Entry{kNoNode}: node 0 with a timeout, which the kernel keeps.
  const Sys<Entry> found = r.fs().Lookup(parent, name);
  if (found && found->node == kNoNode && !r.mount().optimizations.cache_negative) {
    return r.ReplyError(ENOENT);
  }
  r.Reply(found);
}

void serve::Forget(Request& r, fuse_ino_t node, uint64_t references) {
  ForgetNode(r.mount(), node, references);
  r.ReplyNothing();
}

void serve::ForgetMulti(Request& r, size_t count, fuse_forget_data* forgets) {
  for (size_t i = 0; i < count; ++i) {
    ForgetNode(r.mount(), forgets[i].ino, forgets[i].nlookup);
  }
  r.ReplyNothing();
}

void serve::MakeNode(Request& r, fuse_ino_t parent, const char* name, mode_t mode, dev_t rdev) {
  r.Reply(r.fs().MakeNode(parent, name, mode, major(rdev), minor(rdev), r.caller()));
}

void serve::MakeDirectory(Request& r, fuse_ino_t parent, const char* name, mode_t mode) {
  r.Reply(r.fs().MakeDirectory(parent, name, mode, r.caller()));
}

void serve::MakeSymlink(Request& r, const char* target, fuse_ino_t parent, const char* name) {
  r.Reply(r.fs().MakeSymlink(parent, name, target, r.caller()));
}

void serve::Link(Request& r, fuse_ino_t node, fuse_ino_t new_parent, const char* new_name) {
  r.Reply(r.fs().Link(node, new_parent, new_name));
}

void serve::Unlink(Request& r, fuse_ino_t parent, const char* name) {
  r.Reply(r.fs().Unlink(parent, name));
}

void serve::RemoveDirectory(Request& r, fuse_ino_t parent, const char* name) {
  r.Reply(r.fs().RemoveDirectory(parent, name));
}

void serve::Rename(Request& r, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
                   const char* new_name, unsigned flags) {
  r.Reply(r.fs().Rename(parent, name, new_parent, new_name, flags));
}

}  // namespace veneer
