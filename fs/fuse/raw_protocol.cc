// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/raw_protocol.h"

#include <linux/fs.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "fs/fuse/old_libfuse.h"
#include "fs/fuse/open_requests.h"
#include "fs/fuse/raw_reply.h"
#include "fs/fuse/statx_request.h"
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

// Copies a header or an argument out of a request; zeroes where the request is shorter.
template <class T>
T Extract(const char* request, size_t size, size_t offset) {
  T value = {};
  if (offset < size) std::memcpy(&value, request + offset, std::min(sizeof(T), size - offset));
  return value;
}

template <class T>
T ExtractArgument(const char* request, size_t size) {
  return Extract<T>(request, size, sizeof(fuse_in_header));
}

// The name behind the argument of a request; the kernel ends it with a zero.
template <class T>
std::string_view NameAfter(const char* request, size_t size) {
  const size_t offset = std::min(size, sizeof(fuse_in_header) + sizeof(T));
  return {request + offset, ::strnlen(request + offset, size - offset)};
}

// See RawBits::changes.
void NoteChanges(const char* request, size_t size, const fuse_in_header& header) {
  NodeId* changes = current_bits.changes;
  switch (header.opcode) {
    case FUSE_SETATTR:
    case FUSE_WRITE:
    case FUSE_FALLOCATE:
    case FUSE_SETXATTR:
    case FUSE_REMOVEXATTR:
    case FUSE_MKNOD:
    case FUSE_MKDIR:
    case FUSE_SYMLINK:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_CREATE:
    case FUSE_TMPFILE: changes[0] = header.nodeid; return;
    case FUSE_IOCTL: {
      const unsigned command = ExtractArgument<fuse_ioctl_in>(request, size).cmd;
      if (command == FS_IOC_SETFLAGS || command == FS_IOC_FSSETXATTR) changes[0] = header.nodeid;
      return;
    }
    case FUSE_LINK:
      changes[0] = header.nodeid;
      changes[1] = ExtractArgument<fuse_link_in>(request, size).oldnodeid;
      return;
    case FUSE_RENAME:
    case FUSE_RENAME2:
      changes[0] = header.nodeid;
      changes[1] = ExtractArgument<fuse_rename_in>(request, size).newdir;  // first in both
      return;
    case FUSE_COPY_FILE_RANGE:
      changes[0] = ExtractArgument<fuse_copy_file_range_in>(request, size).nodeid_out;
      return;
    default: return;
  }
}

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

void RefusePassthrough(const Mount& mount, Errno why) {
  mount.open_files->Decide(OpenFiles::Passing::kRefused);
  LogWarning("io=passthrough is not possible here, using io=cached: " + NoPassthroughText(why));
}

// What libfuse never sees.
bool IsAnsweredHere(const Mount& mount, uint32_t opcode) {
  switch (opcode) {
    case FUSE_INTERRUPT:
    case FUSE_CREATE:
    case FUSE_TMPFILE:
    case FUSE_SYNCFS:
    case kStatxOpcode: return true;
    // With io=cached libfuse gets it, and our handler answers ENOSYS.
    case FUSE_OPEN: return MayPass(mount);
    case FUSE_RELEASE: return mount.open_files != nullptr;
    default: return false;
  }
}

// Exceptions are the caller's business. REQUIRES: IsAnsweredHere().
void Answer(const Mount& mount, const fuse_in_header& header, char* request, size_t size) {
  switch (header.opcode) {
    case FUSE_INTERRUPT:
      mount.interrupts->Add(ExtractArgument<fuse_interrupt_in>(request, size).unique);
      return;
    case FUSE_OPEN: ServeOpen(mount, header, ExtractArgument<fuse_open_in>(request, size)); return;
    case FUSE_RELEASE:
      ServeRelease(mount, header, ExtractArgument<fuse_release_in>(request, size));
      return;
    case FUSE_CREATE:
      ServeCreate(mount, header, ExtractArgument<fuse_create_in>(request, size),
                  NameAfter<fuse_create_in>(request, size));
      return;
    case FUSE_TMPFILE:
      ServeTmpFile(mount, header, ExtractArgument<fuse_create_in>(request, size));
      return;
    case kStatxOpcode: ServeStatx(mount, header); return;
    default: {  // SYNCFS
      const Sys<void> done = mount.fs->SyncAll();
      SendReply(mount, header.unique, done ? 0 : done.error().code, {});
    }
  }
}

}  // namespace

const RawBits& CurrentRawBits() { return current_bits; }

uint32_t OpcodeOf(const char* request) {
  return Extract<fuse_in_header>(request, sizeof(fuse_in_header), 0).opcode;
}

bool ServeRaw(const Mount& mount, char* request, size_t& size) {
  current_bits = {};
  const auto header = Extract<fuse_in_header>(request, size, 0);
  NoteChanges(request, size, header);
  serving = {&mount, header.unique, header.pid};
  switch (header.opcode) {
    case FUSE_INIT: NoteInit(ExtractArgument<fuse_init_in>(request, size)); return false;
    case FUSE_WRITE: {
      const uint32_t flags = ExtractArgument<fuse_write_in>(request, size).write_flags;
      current_bits.kill_privileges = (flags & FUSE_WRITE_KILL_SUIDGID) != 0;
      current_bits.from_mapping = (flags & FUSE_WRITE_CACHE) != 0;
      return false;
    }
    case FUSE_SETATTR:
      current_bits.kill_privileges =
          (ExtractArgument<fuse_setattr_in>(request, size).valid & FATTR_KILL_SUIDGID) != 0;
      return false;
    case FUSE_SETXATTR:
      if (mount.long_setxattr) {
        current_bits.kill_set_group_id =
            (ExtractArgument<fuse_setxattr_in>(request, size).setxattr_flags &
             FUSE_SETXATTR_ACL_KILL_SGID) != 0;
        ShortenSetXattr(request, size);
      }
      return false;
    default: break;
  }
  if (!IsAnsweredHere(mount, header.opcode)) return false;
  if (mount.debug) PrintRequest(header);
  try {
    Answer(mount, header, request, size);
  } catch (const std::exception& e) {
    LogError(std::string("a request failed: ") + e.what());
    ForgetAttributesAfter(mount, EIO);
    SendReply(mount, header.unique, EIO, {});
  }
  return true;
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
