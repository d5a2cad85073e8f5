// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/open_requests.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "fs/fuse/handlers.h"
#include "fs/fuse/raw_protocol.h"
#include "fs/fuse/raw_reply.h"

namespace veneer {
namespace {

// The protocol of Linux 6.18.
constexpr unsigned kInvalidatesAfterDirectWrites = 45;

bool BypassesPageCache(const Mount& mount, uint32_t flags) {
  return mount.optimizations.direct_writes && (flags & O_ACCMODE) == O_WRONLY &&
         mount.kernel_minor >= kInvalidatesAfterDirectWrites && mount.kill_privileges;
}

// Opens a node and says how in `out`. With io=passthrough.
Sys<void> OpenNode(const Mount& mount, NodeId node, uint32_t flags, PassthroughOpenOut& out) {
  // Writes of a passed file with O_DSYNC, and msync(2), sync the file of the upper as far as they
  // ask for and no more.
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (writes && mount.fsync) VENEER_TRY_VOID(mount.fs->SyncCopyUp(node));
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

Caller CallerOf(const Mount& mount, const fuse_in_header& header, uint32_t umask) {
  return {mount.ids.users.ToDisk(header.uid).value_or(kOverflowId),
          mount.ids.groups.ToDisk(header.gid).value_or(kOverflowId), umask};
}

// The answer to a request that made a file: `made`, opened. `name`: what it is called; empty:
// nothing.
void ReplyMade(const Mount& mount, const fuse_in_header& header, uint32_t flags,
               const Sys<Entry>& made, std::string_view name) {
  if (!made) {
    ForgetAttributesAfter(mount, made.error().code);
    SendReply(mount, header.unique, made.error().code, {});
    return;
  }
  struct {
    fuse_entry_out entry;
    PassthroughOpenOut open;
  } reply = {};
  reply.open.open_flags = FOPEN_KEEP_CACHE;
  if (MayPass(mount)) {
    const Sys<void> opened = OpenNode(mount, made->node, flags, reply.open);
    if (!opened) {
      // The kernel goes on believing that there is no such name.
      if (!name.empty()) {
        IgnoreError(mount.fs->Unlink(header.nodeid, name), "the caller is told of the first error");
      }
      ForgetNode(mount, made->node, 1);
      ForgetAttributesAfter(mount, opened.error().code);
      SendReply(mount, header.unique, opened.error().code, {});
      return;
    }
  } else if (BypassesPageCache(mount, flags)) {
    reply.open.open_flags |= FOPEN_DIRECT_IO;
    reply.open.handle = kDirectHandle;
  }
  reply.entry = ToEntryOut(mount, *made);
  if (SendReply(mount, header.unique, 0, {&reply, sizeof(reply)})) return;
  if (mount.open_files != nullptr) mount.open_files->Release(made->node, static_cast<int>(flags));
  ForgetNode(mount, made->node, 1);
}

}  // namespace

bool MayPass(const Mount& mount) {
  return mount.open_files != nullptr && mount.open_files->passing() != OpenFiles::Passing::kRefused;
}

void serve::OpenPassed(const Mount& mount, const RawRequest& request) {
  const fuse_in_header& header = request.header;
  const uint32_t flags = request.Argument<fuse_open_in>().flags;
  PassthroughOpenOut out = {};
  const Sys<void> opened = OpenNode(mount, header.nodeid, flags, out);
  if (!opened) {
    SendReply(mount, header.unique, opened.error().code, {});
  } else if (!SendReply(mount, header.unique, 0, {&out, sizeof(out)})) {
    mount.open_files->Release(header.nodeid, static_cast<int>(flags));
  }
}

void serve::ReleasePassed(const Mount& mount, const RawRequest& request) {
  const auto release = request.Argument<fuse_release_in>();
  mount.open_files->Release(request.header.nodeid, static_cast<int>(release.flags));
  SendReply(mount, request.header.unique, 0, {});
}

void serve::Create(const Mount& mount, const RawRequest& request) {
  const auto create = request.Argument<fuse_create_in>();
  const std::string_view name = request.NameAfter<fuse_create_in>();
  ReplyMade(mount, request.header, create.flags,
            mount.fs->MakeNode(request.header.nodeid, name, (create.mode & 07777) | S_IFREG, 0, 0,
                               CallerOf(mount, request.header, create.umask)),
            name);
}

void serve::MakeTmpFile(const Mount& mount, const RawRequest& request) {
  const auto create = request.Argument<fuse_create_in>();
  ReplyMade(mount, request.header, create.flags,
            mount.fs->MakeTmpFile(request.header.nodeid, create.mode,
                                  CallerOf(mount, request.header, create.umask)),
            {});
}

}  // namespace veneer
