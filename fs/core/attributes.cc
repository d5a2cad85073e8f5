// SPDX-License-Identifier: Apache-2.0
//
// GetAttr, SetAttr, ReadLink, and the inode flags.
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "fs/core/parts.h"
#include "layerdb/layer/marks.h"

namespace veneer {

Sys<Attr> UnionFs::GetAttr(NodeId id) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  const ReaderLock names(parts_->names.mutex());
  return parts_->attributes.Stat(*node);
}

Sys<std::optional<Timestamp>> UnionFs::BirthTime(NodeId id) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  const ReaderLock names(parts_->names.mutex());
  const NodeReader reader(parts_->locks, *node);
  if (!node->upper) {
    node->birth_told = true;
    return parts_->lower->BirthTime(node->lower);
  }
  node->birth_told = false;
  VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
  return parts_->upper->BirthTime(where.at());
}

bool UnionFs::HasNewBirthTime(NodeId id) {
  const NodeRef node = parts_->nodes.Find(id);
  return node && node->birth_told && node->upper && node->birth_told.exchange(false);
}

namespace {

timespec NewTime(const std::optional<Timestamp>& time, bool now) {
  return now ? timespec{0, UTIME_NOW} : ToTimespec(time);
}

// chown(-1, -1), or what a write of an unprivileged caller takes away.
bool ChangesNothing(const AttrChange& change) {
  return !change.mode && !change.uid && !change.gid && !change.size && !change.atime &&
         !change.mtime && !change.atime_now && !change.mtime_now;
}

// `modified_now`: set when the time of modification is still to be marked.
Sys<void> Resize(UnionFs::Parts& parts, const NodeRef& node, const AttrChange& change,
                 bool& modified_now) {
  if (!node->data_upper) {
    VENEER_TRY(const Attr before, [&] {
      const ReaderLock names(parts.names.mutex());
      return parts.attributes.Stat(*node);
    }());
    VENEER_TRY_VOID(parts.copy_up.Contents(node, *change.size));
    if (change.size_marks_times || before.size != *change.size) {
      modified_now = modified_now || !change.mtime;
      return {};
    }
  }
  VENEER_TRY(const auto data, parts.contents.ForWriting(node));
  if (change.size_marks_times) return sys::Truncate(data.fd->get(), *change.size);
  return sys::TruncateByPath(data.fd->get(), *change.size);
}

}  // namespace

Sys<Attr> UnionFs::SetAttr(NodeId id, const AttrChange& change) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (!parts_->upper) return Fail(EROFS);
  Upper& upper = *parts_->upper;
  bool modified_now = change.mtime_now;
  if (change.size) {
    if (node->is_dir()) return Fail(EISDIR);
    if (node->type != FileType::kRegular) return Fail(EINVAL);
    VENEER_TRY_VOID(Resize(*parts_, node, change, modified_now));
  }
  const ReaderLock names(parts_->names.mutex());
  VENEER_TRY_VOID(parts_->copy_up.Attributes(node));
  {
    const NodeReader reader(parts_->locks, *node);
    VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
    if (change.kill_privileges && !change.mode && node->type != FileType::kDirectory &&
        node->type != FileType::kSymlink) {
      VENEER_TRY_VOID(parts_->attributes.DropPrivileges(where.at(), change.groups));
    }
    if (change.uid || change.gid || ChangesNothing(change)) {
      VENEER_TRY_VOID(upper.SetOwner(where.at(), change.uid, change.gid));
    }
    if (change.mode) {
      if (node->type == FileType::kSymlink) return Fail(EOPNOTSUPP);
      VENEER_TRY_VOID(upper.SetMode(where.at(), *change.mode));
    }
    const bool any_time = change.atime || change.mtime || change.atime_now || modified_now;
    if (any_time) {
      const timespec times[2] = {NewTime(change.atime, change.atime_now),
                                 NewTime(change.mtime, modified_now)};
      VENEER_TRY_VOID(sys::SetTimes(where.at(), times));
      if (!node->data_upper) {
        VENEER_TRY(const Attr now, upper.Stat(where.at()));
        parts_->copy_up.NoteTimes(id, {now.atime, now.mtime});
      }
    }
  }
  return parts_->attributes.Stat(*node);
}

Sys<std::string> UnionFs::ReadLink(NodeId id) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (node->type != FileType::kSymlink) return Fail(EINVAL);
  if (!node->upper) return parts_->lower->ReadLink(node->lower);
  const ReaderLock names(parts_->names.mutex());
  const NodeReader reader(parts_->locks, *node);
  VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
  return sys::ReadLink(where.at());
}

Sys<uint32_t> UnionFs::GetFlags(NodeId id) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (node->type != FileType::kRegular && node->type != FileType::kDirectory) return Fail(ENOTTY);
  if (!node->upper) return 0;  // an image has none
  const ReaderLock names(parts_->names.mutex());
  const NodeReader reader(parts_->locks, *node);
  VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
  VENEER_TRY(const Fd fd, parts_->upper->OpenFile(where.at(), O_RDONLY | O_NONBLOCK));
  int flags = 0;
  if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) < 0) return FailErrno();
  return static_cast<uint32_t>(flags);
}

Sys<void> UnionFs::SetFlags(NodeId id, uint32_t flags) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (node->type != FileType::kRegular && node->type != FileType::kDirectory) return Fail(ENOTTY);
  if (!parts_->upper) return Fail(EROFS);
  // The flags speak of the contents too (no copy-on-write, append only), so these come along.
  if (node->type == FileType::kRegular) VENEER_TRY_VOID(parts_->copy_up.Contents(node));
  const ReaderLock names(parts_->names.mutex());
  VENEER_TRY_VOID(parts_->copy_up.Attributes(node));
  const NodeReader reader(parts_->locks, *node);
  VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
  VENEER_TRY(const Fd fd, parts_->upper->OpenFile(where.at(), O_RDONLY | O_NONBLOCK));
  // The flags that describe the upper's own file (extents, inline data) are not the caller's to set
  // or clear.
  int value = 0;
  if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &value) < 0) return FailErrno();
  constexpr uint32_t kCallers = FS_FL_USER_MODIFIABLE;
  value = static_cast<int>((static_cast<uint32_t>(value) & ~kCallers) | (flags & kCallers));
  if (::ioctl(fd.get(), FS_IOC_SETFLAGS, &value) < 0) return FailErrno();
  // One that is open for writing would go on to write where the flags forbid it.
  parts_->descriptors.Drop(*node);
  return {};
}

}  // namespace veneer
