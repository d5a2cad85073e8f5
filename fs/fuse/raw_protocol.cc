// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/raw_protocol.h"

#include <exception>
#include <string>

#include "fs/fuse/handlers.h"
#include "fs/fuse/old_libfuse.h"
#include "fs/fuse/operations.h"
#include "fs/fuse/raw_reply.h"
#include "layerdb/base/log.h"

namespace veneer {
namespace {

thread_local RawBits current_bits;

// The request that this thread serves; no mount: none.
struct Serving {
  const Mount* mount = nullptr;
  uint64_t request = 0;
  uint32_t thread = 0;  // of the caller
};
thread_local Serving serving;

// Errors of checks that come before any change.
bool MeansNothingBegun(int error) {
  switch (error) {
    case EEXIST:
    case ENOENT:
    case ENOTEMPTY:
    case ENAMETOOLONG:
    case ENODATA:
    case EOPNOTSUPP:
    case ENOSYS: return true;
    default: return false;
  }
}

// Notes what libfuse does not pass on, and takes out of the request what it does not understand.
void ExtractBits(const Mount& mount, const RawRequest& request, char* bytes, size_t& size) {
  switch (request.header.opcode) {
    case FUSE_INIT: NoteInit(request.Argument<fuse_init_in>()); return;
    case FUSE_WRITE: {
      const uint32_t flags = request.Argument<fuse_write_in>().write_flags;
      current_bits.kill_privileges = (flags & FUSE_WRITE_KILL_SUIDGID) != 0;
      current_bits.from_mapping = (flags & FUSE_WRITE_CACHE) != 0;
      return;
    }
    case FUSE_SETATTR:
      current_bits.kill_privileges =
          (request.Argument<fuse_setattr_in>().valid & FATTR_KILL_SUIDGID) != 0;
      return;
    case FUSE_SETXATTR:
      if (!mount.long_setxattr) return;
      current_bits.kill_set_group_id =
          (request.Argument<fuse_setxattr_in>().setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID) != 0;
      ShortenSetXattr(bytes, size);
      return;
    default: return;
  }
}

void RefusePassthrough(const Mount& mount, Errno why) {
  mount.open_files->Decide(OpenFiles::Passing::kRefused);
  LogWarning("io=passthrough is not possible here, using io=cached: " + NoPassthroughText(why));
}

}  // namespace

const RawBits& CurrentRawBits() { return current_bits; }

uint32_t OpcodeOf(const char* request) {
  return RawRequest{.bytes = request, .size = sizeof(fuse_in_header)}.At<fuse_in_header>(0).opcode;
}

bool ServeRaw(const Mount& mount, char* bytes, size_t& size) {
  RawRequest request{.bytes = bytes, .size = size};
  request.header = request.At<fuse_in_header>(0);
  const fuse_in_header& header = request.header;
  const Operation* operation = FindOperation(header.opcode);
  current_bits = {};
  if (operation != nullptr && operation->changes != nullptr) {
    current_bits.changes = operation->changes(request);
  }
  serving = {&mount, header.unique, header.pid};
  if (mount.debug) PrintRequest(header);
  if (operation == nullptr) return false;
  ExtractBits(mount, request, bytes, size);
  if (operation->answer_raw == nullptr) return false;
  if (operation->answers_raw != nullptr && !operation->answers_raw(mount)) return false;
  try {
    operation->answer_raw(mount, request);
  } catch (const std::exception& e) {
    LogError(std::string("a request failed: ") + e.what());
    ForgetAttributesAfter(mount, EIO);
    SendReply(mount, header.unique, EIO, {});
  }
  return true;
}

uint64_t CurrentRequest() { return serving.request; }

void serve::Interrupt(const Mount& mount, const RawRequest& request) {
  mount.interrupts->Add(request.Argument<fuse_interrupt_in>().unique);
}

void serve::SyncFs(const Mount& mount, const RawRequest& request) {
  const Sys<void> done = mount.fs->SyncAll();
  SendReply(mount, request.header.unique, done ? 0 : done.error().code, {});
}

bool CallerIsBeingKilled() {
  return serving.mount != nullptr && serving.mount->interrupts->Has(serving.request) &&
         IsBeingKilled(serving.thread);
}

void ForgetAttributesAfter(const Mount& mount, int error) {
  if (MeansNothingBegun(error)) return;
  for (const NodeId node : CurrentRawBits().changes) {
    if (node != kNoNode) ForgetAttributes(mount, node);
  }
}

void ForgetAttributes(const Mount& mount, fuse_ino_t node) {
  fuse_notify_inval_inode_out what = {};
  what.ino = node;
  what.off = -1;  // attributes only
  // A notification is a message without a request, with its code in place of the errno.
  SendReply(mount, 0, -FUSE_NOTIFY_INVAL_INODE, {&what, sizeof(what)});
}

void DecidePassthrough(const Mount& mount) {
  if (mount.open_files == nullptr) return;
  if (!mount.passthrough) return RefusePassthrough(mount, Errno{ENOSYS});
  const Sys<void> works = mount.backings->Probe(mount.upper);
  if (!works) return RefusePassthrough(mount, works.error());
  mount.open_files->Decide(OpenFiles::Passing::kAllowed);
}

}  // namespace veneer
