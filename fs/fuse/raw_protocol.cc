// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/raw_protocol.h"

#include <sys/uio.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "fs/fuse/old_libfuse.h"
#include "layerdb/base/log.h"

namespace veneer {
namespace {

thread_local RawBits current_bits;

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

// False: the caller does not wait any more, or the kernel does not know the node of a notification.
bool Send(const Mount& mount, uint64_t unique, int error, iovec body) {
  fuse_out_header header = {};
  header.len = static_cast<uint32_t>(sizeof(header) + body.iov_len);
  header.error = -error;
  header.unique = unique;
  iovec parts[2] = {{&header, sizeof(header)}, body};
  if (::writev(mount.device, parts, 2) >= 0) return true;
  // ENODEV: the file system was unmounted meanwhile.
  if (errno != ENOENT && errno != ENODEV) LogError("replying failed: " + ErrnoText(errno));
  return false;
}

fuse_attr ToFuseAttr(const struct stat& st) {
  fuse_attr attr = {};
  attr.ino = st.st_ino;
  attr.size = static_cast<uint64_t>(st.st_size);
  attr.blocks = static_cast<uint64_t>(st.st_blocks);
  attr.atime = static_cast<uint64_t>(st.st_atim.tv_sec);
  attr.mtime = static_cast<uint64_t>(st.st_mtim.tv_sec);
  attr.ctime = static_cast<uint64_t>(st.st_ctim.tv_sec);
  attr.atimensec = static_cast<uint32_t>(st.st_atim.tv_nsec);
  attr.mtimensec = static_cast<uint32_t>(st.st_mtim.tv_nsec);
  attr.ctimensec = static_cast<uint32_t>(st.st_ctim.tv_nsec);
  attr.mode = st.st_mode;
  attr.nlink = static_cast<uint32_t>(st.st_nlink);
  attr.uid = st.st_uid;
  attr.gid = st.st_gid;
  attr.blksize = static_cast<uint32_t>(st.st_blksize);
  return attr;
}

void SetTimeout(double timeout, uint64_t& seconds, uint32_t& nanoseconds) {
  double whole = 0;
  nanoseconds = static_cast<uint32_t>(std::modf(timeout, &whole) * 1e9);
  seconds = static_cast<uint64_t>(whole);
}

// True also as long as it is not known.
bool Passes(const Mount& mount) {
  return mount.open_files != nullptr && mount.open_files->passing() != OpenFiles::Passing::kRefused;
}

// Opens a node and says how in `out`. With io=passthrough.
Sys<void> OpenNode(const Mount& mount, NodeId node, uint32_t flags, PassthroughOpenOut& out) {
  VENEER_TRY(const OpenFiles::Opened opened,
             mount.open_files->Open(node, static_cast<int>(flags), [&](int how) {
               return mount.fs->OpenUpperContents(node, how);
             }));
  if (opened.attributes_move_now) ForgetAttributes(mount, node);
  out.backing_id = opened.backing_id;
  // What the kernel has of a file that is opened cached was always read through its cache.
  out.open_flags = opened.backing_id != 0 ? kOpenPassthrough : FOPEN_KEEP_CACHE;
  return {};
}

void ServeOpen(const Mount& mount, const fuse_in_header& header, const fuse_open_in& open) {
  PassthroughOpenOut out = {};
  const Sys<void> opened = OpenNode(mount, header.nodeid, open.flags, out);
  if (!opened) {
    Send(mount, header.unique, opened.error().code, {});
  } else if (!Send(mount, header.unique, 0, {&out, sizeof(out)})) {
    mount.open_files->Release(header.nodeid, static_cast<int>(open.flags));
  }
}

void ServeTmpFile(const Mount& mount, const fuse_in_header& header, const fuse_create_in& create) {
  const Caller caller{mount.ids.users.Keep(header.uid).value_or(kOverflowId),
                      mount.ids.groups.Keep(header.gid).value_or(kOverflowId), create.umask};
  const Sys<Entry> entry = mount.fs->MakeTmpFile(header.nodeid, create.mode, caller);
  if (!entry) {
    Send(mount, header.unique, entry.error().code, {});
    return;
  }
  struct {
    fuse_entry_out entry;
    PassthroughOpenOut open;
  } reply = {};
  reply.open.open_flags = FOPEN_KEEP_CACHE;
  if (Passes(mount)) {
    const Sys<void> opened = OpenNode(mount, entry->node, create.flags, reply.open);
    if (!opened) {
      ForgetNode(mount, entry->node, 1);
      Send(mount, header.unique, opened.error().code, {});
      return;
    }
  }
  reply.entry.nodeid = entry->node;
  SetTimeout(mount.timeout, reply.entry.entry_valid, reply.entry.entry_valid_nsec);
  SetTimeout(AttributeTimeout(mount, entry->node), reply.entry.attr_valid,
             reply.entry.attr_valid_nsec);
  reply.entry.attr = ToFuseAttr(ToStat(mount, entry->attr));
  if (Send(mount, header.unique, 0, {&reply, sizeof(reply)})) return;
  if (mount.open_files != nullptr) {
    mount.open_files->Release(entry->node, static_cast<int>(create.flags));
  }
  ForgetNode(mount, entry->node, 1);
}

void RefusePassthrough(const Mount& mount, Errno why) {
  mount.open_files->Decide(OpenFiles::Passing::kRefused);
  LogWarning("io=passthrough is not possible here, using io=cached: " + NoPassthroughText(why));
}

// Requests that libfuse never sees. Exceptions are the caller's business.
bool Answer(const Mount& mount, const fuse_in_header& header, char* request, size_t size) {
  switch (header.opcode) {
    case FUSE_INTERRUPT: Send(mount, header.unique, ENOSYS, {}); return true;
    case FUSE_OPEN:
      // Refused: libfuse gets it, and our handler answers ENOSYS as with io=cached.
      if (!Passes(mount)) return false;
      ServeOpen(mount, header, ExtractArgument<fuse_open_in>(request, size));
      return true;
    case FUSE_RELEASE:
      if (mount.open_files == nullptr) return false;
      mount.open_files->Release(
          header.nodeid, static_cast<int>(ExtractArgument<fuse_release_in>(request, size).flags));
      Send(mount, header.unique, 0, {});
      return true;
    case FUSE_TMPFILE:
      ServeTmpFile(mount, header, ExtractArgument<fuse_create_in>(request, size));
      return true;
    case FUSE_SYNCFS: {
      const Sys<void> done = mount.fs->SyncAll();
      Send(mount, header.unique, done ? 0 : done.error().code, {});
      return true;
    }
    default: return false;
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
  switch (header.opcode) {
    case FUSE_INIT: NoteInit(ExtractArgument<fuse_init_in>(request, size)); return false;
    case FUSE_WRITE:
      current_bits.kill_privileges = (ExtractArgument<fuse_write_in>(request, size).write_flags &
                                      FUSE_WRITE_KILL_SUIDGID) != 0;
      return false;
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
  try {
    return Answer(mount, header, request, size);
  } catch (const std::exception& e) {
    LogError(std::string("a request failed: ") + e.what());
    Send(mount, header.unique, EIO, {});
    return true;
  }
}

void ForgetAttributes(const Mount& mount, fuse_ino_t node) {
  fuse_notify_inval_inode_out what = {};
  what.ino = node;
  what.off = -1;  // attributes only
  // A notification is a message without a request, with its code in place of the errno.
  Send(mount, 0, -FUSE_NOTIFY_INVAL_INODE, {&what, sizeof(what)});
}

void DecidePassthrough(const Mount& mount) {
  if (mount.open_files == nullptr) return;
  if (!mount.passthrough) return RefusePassthrough(mount, Errno{ENOSYS});
  const Sys<void> works = mount.backings->Probe(mount.upper);
  if (!works) return RefusePassthrough(mount, works.error());
  mount.open_files->Decide(OpenFiles::Passing::kAllowed);
}

}  // namespace veneer
