// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/raw_reply.h"

#include <cerrno>
#include <cmath>

#include "fs/fuse/operations.h"
#include "layerdb/base/log.h"

namespace veneer {
namespace {

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

}  // namespace

void SetTimeout(double timeout, uint64_t& seconds, uint32_t& nanoseconds) {
  double whole = 0;
  nanoseconds = static_cast<uint32_t>(std::modf(timeout, &whole) * 1e9);
  seconds = static_cast<uint64_t>(whole);
}

void PrintRequest(const fuse_in_header& header) {
  fuse_log(FUSE_LOG_DEBUG, "%s\n", RequestLine(header).c_str());
}

void PrintReply(uint64_t unique, int error, size_t size) {
  const auto number = static_cast<unsigned long long>(unique);
  if (unique == 0) {
    fuse_log(FUSE_LOG_DEBUG, "NOTIFY: code=%d length=%zu\n", -error, size);
  } else if (error != 0) {
    fuse_log(FUSE_LOG_DEBUG, "   unique: %llu, error: %i (%s), outsize: %zu\n", number, -error,
             ErrnoText(error).c_str(), size);
  } else {
    fuse_log(FUSE_LOG_DEBUG, "   unique: %llu, success, outsize: %zu\n", number, size);
  }
}

bool SendReply(const Mount& mount, uint64_t unique, int error, iovec body) {
  fuse_out_header header = {};
  header.len = static_cast<uint32_t>(sizeof(header) + body.iov_len);
  header.error = -error;
  header.unique = unique;
  if (mount.debug) PrintReply(unique, error, header.len);
  iovec parts[2] = {{&header, sizeof(header)}, body};
  if (::writev(mount.device, parts, 2) >= 0) return true;
  // ENODEV: the file system was unmounted meanwhile.
  if (errno != ENOENT && errno != ENODEV) LogError("replying failed: " + ErrnoText(errno));
  return false;
}

fuse_entry_out ToEntryOut(const Mount& mount, const Entry& entry) {
  fuse_entry_out out = {};
  out.nodeid = entry.node;
  SetTimeout(mount.timeout, out.entry_valid, out.entry_valid_nsec);
  SetTimeout(AttributeTimeout(mount, entry.node), out.attr_valid, out.attr_valid_nsec);
  out.attr = ToFuseAttr(ToStat(mount, entry.attr));
  return out;
}

}  // namespace veneer
