// SPDX-License-Identifier: Apache-2.0
//
// GetAttr, SetAttr, ReadLink, and the inode flags.
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "fs/core/state.h"
#include "layerdb/layer/marks.h"

namespace veneer {

// Takes the place lock itself.
Sys<Attr> UnionFs::State::AttrLocked(const Node& node) {
  const std::shared_lock place(places.For(node.id));
  if (!node.upper) {
    VENEER_TRY(const Attr attr, lower->Stat(node.lower));
    return Adjust(node, attr);
  }
  VENEER_TRY(const UpperPlace where, UpperPlaceLocked(node));
  VENEER_TRY(Attr attr, upper->Stat(where.at()));
  attr = Adjust(node, attr);
  if (!node.data_upper && node.has_lower) {
    VENEER_TRY(const Attr below, lower->Stat(node.lower));
    attr.blocks = below.blocks;
  }
  return attr;
}

uint32_t UnionFs::State::WithoutPrivileges(uint32_t mode, uint32_t gid, const GroupTest* groups) {
  uint32_t kept = mode & ~04000U;
  const bool group_runs_it = (mode & 00010) != 0;
  if ((mode & 02000) != 0 && (group_runs_it || (groups != nullptr && !groups->Contains(gid)))) {
    kept &= ~02000U;
  }
  return kept;
}

Sys<void> UnionFs::State::DropPrivileges(sys::At at, const GroupTest* groups) const {
  VENEER_TRY(const Attr attr, upper->Stat(at));
  const uint32_t kept = WithoutPrivileges(attr.mode, attr.gid, groups);
  if (kept != attr.mode) VENEER_TRY_VOID(upper->SetMode(at, kept));
  // Asked first: an ordinary user may look, but may not even try to remove what is not there.
  const auto present = sys::GetXattr(at, "security.capability");
  if (present) return sys::RemoveXattr(at, "security.capability");
  const int code = present.error().code;
  if (code != ENODATA && code != EOPNOTSUPP) return Fail(code);
  return {};
}

Sys<Attr> UnionFs::GetAttr(NodeId id) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  const std::shared_lock names(state_->names);
  return state_->AttrLocked(*node);
}

Sys<std::optional<Timestamp>> UnionFs::BirthTime(NodeId id) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  const std::shared_lock names(state_->names);
  const std::shared_lock place(state_->places.For(id));
  if (!node->upper) {
    node->birth_told = true;
    return state_->lower->BirthTime(node->lower);
  }
  node->birth_told = false;
  VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
  return state_->upper->BirthTime(where.at());
}

bool UnionFs::HasNewBirthTime(NodeId id) {
  const NodeRef node = state_->nodes.Find(id);
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
Sys<void> Resize(UnionFs::State& state, const NodeRef& node, const AttrChange& change,
                 bool& modified_now) {
  if (!node->data_upper) {
    VENEER_TRY(const Attr before, [&] {
      const std::shared_lock names(state.names);
      return state.AttrLocked(*node);
    }());
    VENEER_TRY_VOID(state.CopyUpData(node, *change.size));
    if (change.size_marks_times || before.size != *change.size) {
      modified_now = modified_now || !change.mtime;
      return {};
    }
  }
  VENEER_TRY(const auto data, state.OpenData(node, true));
  if (change.size_marks_times) return sys::Truncate(data.fd->get(), *change.size);
  return sys::TruncateByPath(data.fd->get(), *change.size);
}

}  // namespace

Sys<Attr> UnionFs::SetAttr(NodeId id, const AttrChange& change) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (!state_->upper) return Fail(EROFS);
  Upper& upper = *state_->upper;
  bool modified_now = change.mtime_now;
  if (change.size) {
    if (node->type == FileType::kDirectory) return Fail(EISDIR);
    if (node->type != FileType::kRegular) return Fail(EINVAL);
    VENEER_TRY_VOID(Resize(*state_, node, change, modified_now));
  }
  const std::shared_lock names(state_->names);
  VENEER_TRY_VOID(state_->CopyUpMetaLocked(node));
  {
    const std::shared_lock place(state_->places.For(id));
    VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
    if (change.kill_privileges && !change.mode && node->type != FileType::kDirectory &&
        node->type != FileType::kSymlink) {
      VENEER_TRY_VOID(state_->DropPrivileges(where.at(), change.groups));
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
        state_->copy_times.Set(id, {now.atime, now.mtime});
      }
    }
  }
  return state_->AttrLocked(*node);
}

Sys<std::string> UnionFs::ReadLink(NodeId id) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (node->type != FileType::kSymlink) return Fail(EINVAL);
  if (!node->upper) return state_->lower->ReadLink(node->lower);
  const std::shared_lock names(state_->names);
  const std::shared_lock place(state_->places.For(id));
  VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
  return sys::ReadLink(where.at());
}

Sys<uint32_t> UnionFs::GetFlags(NodeId id) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (node->type != FileType::kRegular && node->type != FileType::kDirectory) return Fail(ENOTTY);
  if (!node->upper) return 0;  // an image has none
  const std::shared_lock names(state_->names);
  const std::shared_lock place(state_->places.For(id));
  VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
  VENEER_TRY(const Fd fd, state_->upper->OpenFile(where.at(), O_RDONLY | O_NONBLOCK));
  int flags = 0;
  if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) < 0) return FailErrno();
  return static_cast<uint32_t>(flags);
}

Sys<void> UnionFs::SetFlags(NodeId id, uint32_t flags) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (node->type != FileType::kRegular && node->type != FileType::kDirectory) return Fail(ENOTTY);
  if (!state_->upper) return Fail(EROFS);
  // The flags speak of the contents too (no copy-on-write, append only), so these come along.
  if (node->type == FileType::kRegular) VENEER_TRY_VOID(state_->CopyUpData(node));
  const std::shared_lock names(state_->names);
  VENEER_TRY_VOID(state_->CopyUpMetaLocked(node));
  const std::shared_lock place(state_->places.For(id));
  VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
  VENEER_TRY(const Fd fd, state_->upper->OpenFile(where.at(), O_RDONLY | O_NONBLOCK));
  // The flags that describe the upper's own file (extents, inline data) are not the caller's to set or clear.
  int value = 0;
  if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &value) < 0) return FailErrno();
  constexpr uint32_t kCallers = FS_FL_USER_MODIFIABLE;
  value = static_cast<int>((static_cast<uint32_t>(value) & ~kCallers) | (flags & kCallers));
  if (::ioctl(fd.get(), FS_IOC_SETFLAGS, &value) < 0) return FailErrno();
  // One that is open for writing would go on to write where the flags forbid it.
  state_->DropFds(*node);
  return {};
}

}  // namespace veneer
