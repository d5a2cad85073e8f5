// SPDX-License-Identifier: Apache-2.0
//
// Attributes: stat, chmod and friends, readlink, statfs, and the flags of chattr.
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>

#include <cstring>
#include <string_view>

#include "fs/fuse/handlers.h"
#include "fs/fuse/raw_protocol.h"
#include "fs/fuse/request.h"
#include "layerdb/base/stats_ioctl.h"

namespace veneer {

void serve::GetAttr(Request& r, fuse_ino_t node, fuse_file_info* /*unused*/) {
  r.Reply(node, r.fs().GetAttr(node));
}

namespace {

Timestamp ToTimestamp(const timespec& time) {
  return {time.tv_sec, static_cast<uint32_t>(time.tv_nsec)};
}

// chown to an id that the mapping does not hold is EINVAL, as chown(2) says for a user namespace.
Sys<AttrChange> ToChange(const Request& r, const struct stat& wanted, int valid) {
  AttrChange change;
  if ((valid & FUSE_SET_ATTR_MODE) != 0) change.mode = wanted.st_mode & 07777;
  if ((valid & FUSE_SET_ATTR_UID) != 0) {
    change.uid = r.mount().ids.users.ToDisk(wanted.st_uid);
    if (!change.uid) return Fail(EINVAL);
  }
  if ((valid & FUSE_SET_ATTR_GID) != 0) {
    change.gid = r.mount().ids.groups.ToDisk(wanted.st_gid);
    if (!change.gid) return Fail(EINVAL);
  }
  if ((valid & FUSE_SET_ATTR_SIZE) != 0) change.size = static_cast<uint64_t>(wanted.st_size);
  change.atime_now = (valid & FUSE_SET_ATTR_ATIME_NOW) != 0;
  change.mtime_now = (valid & FUSE_SET_ATTR_MTIME_NOW) != 0;
  if ((valid & FUSE_SET_ATTR_ATIME) != 0 && !change.atime_now) {
    change.atime = ToTimestamp(wanted.st_atim);
  }
  if ((valid & FUSE_SET_ATTR_MTIME) != 0 && !change.mtime_now) {
    change.mtime = ToTimestamp(wanted.st_mtim);
  }
  // With HANDLE_KILLPRIV_V2 the kernel says so for a truncation, and leaves every chown to us
  // (linux/fuse.h); without it, the kernel sends the new mode itself.
  const bool is_chown = change.uid || change.gid || valid == 0;
  change.kill_privileges =
      CurrentRawBits().kill_privileges || (r.mount().kill_privileges && is_chown);
  return change;
}

// A SETATTR that sets nothing is the kernel's way to say chown(-1, -1), or that a write takes
// privileges of the file away (fuse_setattr() in the kernel strips the mode of these). The first is
// for the owner only, which the kernel does not check then; the second is done with the write too,
// unless the write is one that does not come here.
bool MayChown(const Request& r, fuse_ino_t node) {
  if (r.caller_is_root()) return true;
  OpenFiles* open_files = r.mount().open_files;
  if (open_files != nullptr && open_files->HasPassedWriter(node)) return true;
  const Sys<Attr> attr = r.fs().GetAttr(node);
  return attr && attr->uid == r.caller().uid;
}

}  // namespace

void serve::SetAttr(Request& r, fuse_ino_t node, struct stat* wanted, int valid,
                    fuse_file_info* file) {
  if (valid == 0 && !MayChown(r, node)) return r.Reply(node, r.fs().GetAttr(node));
  Sys<AttrChange> change = ToChange(r, *wanted, valid);
  if (!change) return r.ReplyError(change.error().code);
  // The kernel names the file of ftruncate, but not that of O_TRUNC: to 0 it may be either.
  change->size_marks_times = file != nullptr || change->size.value_or(0) == 0;
  const CallerGroups groups(r);
  change->groups = &groups;
  if (change->size) r.mount().truncations->Begin(node, r.caller_thread());
  const Sys<Attr> changed = r.fs().SetAttr(node, *change);
  if (change->size) r.mount().truncations->End(node, RecentTruncations::Clock::now());
  // The reply does not say when a copy was made: the kernel is to ask again.
  if (r.fs().HasNewBirthTime(node)) return r.Reply(changed, 0);
  r.Reply(node, changed);
}

void serve::ReadLink(Request& r, fuse_ino_t node) {
  const Sys<std::string> target = r.fs().ReadLink(node);
  if (!target) return r.ReplyError(target.error().code);
  r.ReplyBytes(*target);
}

void serve::StatFs(Request& r, fuse_ino_t /*node*/) {
  const Sys<FsStats> stats = r.fs().StatFs();
  if (!stats) return r.ReplyError(stats.error().code);
  struct statvfs out = {};
  out.f_bsize = stats->block_size;
  out.f_frsize = stats->fragment_size;
  out.f_blocks = stats->blocks;
  out.f_bfree = stats->blocks_free;
  out.f_bavail = stats->blocks_available;
  out.f_files = stats->files;
  out.f_ffree = stats->files_free;
  out.f_favail = stats->files_free;
  out.f_namemax = stats->name_max;
  r.ReplyStatFs(out);
}

namespace {

// The flags that FS_IOC_GETFLAGS and FS_IOC_FSGETXATTR both have (linux/fs.h).
struct FlagPair {
  uint32_t flag;
  uint32_t xflag;
};
constexpr FlagPair kFlagPairs[] = {{FS_SYNC_FL, FS_XFLAG_SYNC},
                                   {FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE},
                                   {FS_APPEND_FL, FS_XFLAG_APPEND},
                                   {FS_NODUMP_FL, FS_XFLAG_NODUMP},
                                   {FS_NOATIME_FL, FS_XFLAG_NOATIME}};

template <class T>
std::string_view AsBytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

void GetFlags(Request& r, fuse_ino_t node, unsigned command, size_t room) {
  const Sys<uint32_t> flags = r.fs().GetFlags(node);
  if (!flags) return r.ReplyError(flags.error().code);
  if (command == FS_IOC_GETFLAGS) {
    // The kernel's own request has 4 bytes of room; the number of the ioctl says 8.
    if (room < sizeof(*flags)) return r.ReplyError(ENOTTY);
    return r.ReplyIoctl(AsBytes(*flags));
  }
  fsxattr out = {};
  if (room < sizeof(out)) return r.ReplyError(ENOTTY);
  for (const FlagPair& pair : kFlagPairs) {
    if ((*flags & pair.flag) != 0) out.fsx_xflags |= pair.xflag;
  }
  r.ReplyIoctl(AsBytes(out));
}

void SetFlags(Request& r, fuse_ino_t node, unsigned command, std::string_view in) {
  uint32_t flags = 0;
  if (command == FS_IOC_SETFLAGS) {
    if (in.size() < sizeof(flags)) return r.ReplyError(ENOTTY);
    std::memcpy(&flags, in.data(), sizeof(flags));
  } else {
    fsxattr wanted = {};
    if (in.size() < sizeof(wanted)) return r.ReplyError(ENOTTY);
    std::memcpy(&wanted, in.data(), sizeof(wanted));
    const Sys<uint32_t> old = r.fs().GetFlags(node);
    if (!old) return r.ReplyError(old.error().code);
    flags = *old;
    for (const FlagPair& pair : kFlagPairs) {
      const bool on = (wanted.fsx_xflags & pair.xflag) != 0;
      wanted.fsx_xflags &= ~pair.xflag;
      flags = on ? flags | pair.flag : flags & ~pair.flag;
    }
    // Project ids, extent sizes and the rest have no counterpart here.
    if (wanted.fsx_xflags != 0 || wanted.fsx_projid != 0 || wanted.fsx_extsize != 0) {
      return r.ReplyError(EOPNOTSUPP);
    }
  }
  const Sys<void> done = r.fs().SetFlags(node, flags);
  if (!done) return r.ReplyError(done.error().code);
  // st_ctime is another now, and no reply to an ioctl says so.
  ForgetAttributes(r.mount(), node);
  r.ReplyIoctl({});
}

void Stats(Request& r, size_t room) {
  StatsText answer = {};
  const std::string text = r.mount().statistics->ToJson(r.fs().counters(), r.fs().NodeCount());
  if (room < sizeof(answer) || text.size() >= sizeof(answer.text)) return r.ReplyError(ENOTTY);
  text.copy(answer.text, text.size());
  r.ReplyIoctl({answer.text, sizeof(answer.text)});
}

}  // namespace

void serve::Ioctl(Request& r, fuse_ino_t node, unsigned command, void* /*arg*/,
                  fuse_file_info* /*unused*/, unsigned /*flags*/, const void* in, size_t in_size,
                  size_t out_size) {
  switch (command) {
    case kStatsIoctl: return Stats(r, out_size);
    case FS_IOC_GETFLAGS:
    case FS_IOC_FSGETXATTR: return GetFlags(r, node, command, out_size);
    case FS_IOC_SETFLAGS:
    case FS_IOC_FSSETXATTR:
      return SetFlags(r, node, command, {static_cast<const char*>(in), in_size});
    default: return r.ReplyError(ENOTTY);
  }
}

}  // namespace veneer
