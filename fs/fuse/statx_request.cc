// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/statx_request.h"

#include <sys/stat.h>

#include "fs/fuse/handlers.h"
#include "fs/fuse/raw_reply.h"

namespace veneer {
namespace {

// fuse_sx_time, fuse_statx and fuse_statx_out.
struct StatxTime {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
};
struct StatxBody {
  uint32_t mask;
  uint32_t blksize;
  uint64_t attributes;
  uint32_t nlink;
  uint32_t uid;
  uint32_t gid;
  uint16_t mode;
  uint16_t spare;
  uint64_t ino;
  uint64_t size;
  uint64_t blocks;
  uint64_t attributes_mask;
  StatxTime atime;
  StatxTime btime;
  StatxTime ctime;
  StatxTime mtime;
  uint32_t rdev_major;
  uint32_t rdev_minor;
  uint32_t dev_major;
  uint32_t dev_minor;
  uint64_t spares[14];
};
static_assert(sizeof(StatxBody) == 256);
struct StatxOut {
  uint64_t valid_seconds;
  uint32_t valid_nanoseconds;
  uint32_t flags;
  uint64_t spares[2];
  StatxBody stat;
};

StatxTime ToStatxTime(const timespec& time) {
  return {time.tv_sec, static_cast<uint32_t>(time.tv_nsec), 0};
}

}  // namespace

void serve::Statx(const Mount& mount, const RawRequest& request) {
  const fuse_in_header& header = request.header;
  const Sys<Attr> attr = mount.fs->GetAttr(header.nodeid);
  if (!attr) {
    SendReply(mount, header.unique, attr.error().code, {});
    return;
  }
  const struct stat st = ToStat(mount, *attr);
  StatxOut out = {};
  SetTimeout(AttributeTimeout(mount, header.nodeid), out.valid_seconds, out.valid_nanoseconds);
  StatxBody& stat = out.stat;
  stat.mask = STATX_BASIC_STATS;
  stat.blksize = static_cast<uint32_t>(st.st_blksize);
  stat.nlink = static_cast<uint32_t>(st.st_nlink);
  stat.uid = st.st_uid;
  stat.gid = st.st_gid;
  stat.mode = static_cast<uint16_t>(st.st_mode);
  stat.ino = st.st_ino;
  stat.size = static_cast<uint64_t>(st.st_size);
  stat.blocks = static_cast<uint64_t>(st.st_blocks);
  stat.atime = ToStatxTime(st.st_atim);
  stat.ctime = ToStatxTime(st.st_ctim);
  stat.mtime = ToStatxTime(st.st_mtim);
  stat.rdev_major = attr->rdev_major;
  stat.rdev_minor = attr->rdev_minor;
  // Where it cannot be found out, the rest is an answer all the same.
  const Sys<std::optional<Timestamp>> birth = mount.fs->BirthTime(header.nodeid);
  if (birth && *birth) {
    stat.mask |= STATX_BTIME;
    stat.btime = {(*birth)->sec, (*birth)->nsec, 0};
  }
  SendReply(mount, header.unique, 0, {&out, sizeof(out)});
}

}  // namespace veneer
