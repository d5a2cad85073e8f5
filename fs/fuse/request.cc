// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/request.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "fs/fuse/raw_protocol.h"
#include "fs/fuse/raw_reply.h"
#include "layerdb/base/log.h"
#include "layerdb/base/proc.h"

namespace veneer {

struct stat ToStat(const Mount& mount, const Attr& attr) {
  struct stat st = {};
  st.st_ino = attr.ino;
  st.st_mode = attr.FullMode();
  st.st_nlink = attr.nlink;
  st.st_uid = mount.ids.users.ToMount(attr.uid);
  st.st_gid = mount.ids.groups.ToMount(attr.gid);
  st.st_rdev = makedev(attr.rdev_major, attr.rdev_minor);
  st.st_size = static_cast<off_t>(attr.size);
  st.st_blocks = static_cast<blkcnt_t>(attr.blocks);
  st.st_blksize = mount.block_size;
  st.st_atim = {attr.atime.sec, attr.atime.nsec};
  st.st_mtim = {attr.mtime.sec, attr.mtime.nsec};
  st.st_ctim = {attr.ctime.sec, attr.ctime.nsec};
  return st;
}

double AttributeTimeout(const Mount& mount, NodeId node) {
  const bool move = mount.open_files != nullptr && mount.open_files->AttributesMove(node);
  return move ? 0 : mount.timeout;
}

void ForgetNode(const Mount& mount, NodeId node, uint64_t references) {
  const bool unknown_now = mount.fs->Forget(node, references);
  if (unknown_now && mount.open_files != nullptr) mount.open_files->Forget(node);
}

fuse_entry_param ToEntryParam(const Mount& mount, const Entry& entry) {
  fuse_entry_param param = {};
  param.ino = entry.node;
  // Node ids are never reused, and NFS servers fail on a root of another generation: always 0.
  param.generation = 0;
  if (entry.node != kNoNode) param.attr = ToStat(mount, entry.attr);
  param.attr_timeout = AttributeTimeout(mount, entry.node);
  param.entry_timeout = mount.timeout;
  return param;
}

Caller Request::caller() const {
  const fuse_ctx* context = fuse_req_ctx(req_);
  return Caller{mount_.ids.users.ToDisk(context->uid).value_or(kOverflowId),
                mount_.ids.groups.ToDisk(context->gid).value_or(kOverflowId), context->umask};
}

void Request::Answer(int error, size_t size) {
  answered_ = true;
  if (mount_.debug) PrintReply(CurrentRequest(), error, sizeof(fuse_out_header) + size);
}

void Request::ReplyError(int code) {
  if (code != 0) ForgetAttributesAfter(mount_, code);
  Answer(code, 0);
  fuse_reply_err(req_, code);
}

bool CallerGroups::Contains(uint32_t gid) const {
  if (request_.caller_is_root() || request_.caller().gid == gid) return true;
  // Not fuse_req_getgroups(): before libfuse 3.17 it looks for the groups in bytes that nothing
  // ends. A caller that has gone meanwhile has no groups: what is taken away from a file is on the
  // safe side.
  const std::vector<gid_t> groups = GroupsOf(static_cast<pid_t>(request_.caller_thread()));
  return std::ranges::any_of(groups, [&](gid_t group) {
    return request_.mount().ids.groups.ToDisk(group) == gid;
  });
}

void Request::Reply(const Sys<Entry>& entry) {
  if (!entry) return ReplyError(entry.error().code);
  const fuse_entry_param param = ToEntryParam(mount_, *entry);
  Answer(0, sizeof(fuse_entry_out));
  if (fuse_reply_entry(req_, &param) == -ENOENT && entry->node != kNoNode) {
    ForgetNode(mount_, entry->node, 1);
  }
}

void Request::Reply(NodeId node, const Sys<Attr>& attr) {
  Reply(attr, AttributeTimeout(mount_, node));
}

void Request::Reply(const Sys<Attr>& attr, double timeout) {
  if (!attr) return ReplyError(attr.error().code);
  const struct stat st = ToStat(mount_, *attr);
  Answer(0, sizeof(fuse_attr_out));
  fuse_reply_attr(req_, &st, timeout);
}

int Request::ReplyBytes(std::string_view bytes) {
  Answer(0, bytes.size());
  return fuse_reply_buf(req_, bytes.data(), bytes.size());
}

void Request::ReplyXattr(const Sys<std::string>& value, size_t size) {
  if (!value) return ReplyError(value.error().code);
  if (size != 0 && value->size() > size) return ReplyError(ERANGE);
  if (size != 0) {
    ReplyBytes(*value);
    return;
  }
  Answer(0, sizeof(fuse_getxattr_out));
  fuse_reply_xattr(req_, value->size());
}

void Request::ReplyOpen(fuse_file_info* file) {
  Answer(0, sizeof(fuse_open_out));
  file->keep_cache = 1;
  file->cache_readdir = 1;  // only looked at in the reply to OPENDIR
  fuse_reply_open(req_, file);
}

void Request::ReplyCount(const Sys<size_t>& count) {
  if (!count) return ReplyError(count.error().code);
  Answer(0, sizeof(fuse_write_out));
  fuse_reply_write(req_, *count);
}

void Request::ReplyOffset(const Sys<uint64_t>& offset) {
  if (!offset) return ReplyError(offset.error().code);
  Answer(0, sizeof(fuse_lseek_out));
  fuse_reply_lseek(req_, static_cast<off_t>(*offset));
}

void Request::ReplyStatFs(const struct statvfs& stats) {
  Answer(0, sizeof(fuse_statfs_out));
  fuse_reply_statfs(req_, &stats);
}

void Request::ReplyIoctl(std::string_view out) {
  Answer(0, sizeof(fuse_ioctl_out) + out.size());
  fuse_reply_ioctl(req_, 0, out.data(), out.size());
}

void Request::ReplyNothing() {
  answered_ = true;
  fuse_reply_none(req_);
}

void Request::Abandon(const char* what) noexcept {
  try {
    LogError(std::string("a request failed: ") + what);
  } catch (const std::exception&) {
    // Not even memory for the message: the answer matters more.
  }
  if (!answered_) ReplyError(EIO);
}

char* ScratchBuffer(size_t size) {
  thread_local std::unique_ptr<char[]> buffer;
  thread_local size_t capacity = 0;
  if (capacity < size) {
    buffer.reset(new char[size]);
    capacity = size;
  }
  return buffer.get();
}

}  // namespace veneer
