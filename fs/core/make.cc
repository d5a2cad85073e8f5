// SPDX-License-Identifier: Apache-2.0
//
// Making names: mknod, mkdir, symlink, O_TMPFILE, link.
#include "fs/core/state.h"
#include "layerdb/model/acl.h"

namespace veneer {

Sys<std::optional<std::string>> UnionFs::State::DefaultAclLocked(Node& dir) {
  if (!options.acl) return std::nullopt;
  Directory& directory = *dir.directory;
  if (!directory.default_acl_known) {
    Sys<std::string> acl = Fail(ENODATA);
    if (dir.upper) {
      VENEER_TRY(const UpperPlace where, UpperPlaceLocked(dir));
      acl = sys::GetXattr(where.at(), kAclDefault);
    } else {
      acl = lower->GetXattr(dir.lower, kAclDefault);
    }
    if (!acl && acl.error().code != ENODATA && acl.error().code != EOPNOTSUPP) {
      return Fail(acl.error());
    }
    directory.default_acl.reset();
    if (acl && !acl->empty()) directory.default_acl = *std::move(acl);
    directory.default_acl_known = true;
  }
  return directory.default_acl;
}

Sys<std::optional<uint32_t>> UnionFs::State::InheritLocked(const NodeRef& dir, NewObject& object,
                                                           const Caller& caller) {
  VENEER_TRY(const UpperPlace where, UpperPlaceLocked(*dir));
  VENEER_TRY(const Attr parent, upper->Stat(where.at()));
  const bool group_of_dir = (parent.mode & 02000) != 0;
  object.uid = caller.uid;
  object.gid = group_of_dir ? parent.gid : caller.gid;
  const bool natural = upper->OwnsNaturally(
      caller.uid, group_of_dir ? std::nullopt : std::optional<uint32_t>(caller.gid));
  if (object.type == FileType::kSymlink) {
    object.mode = 0777;
    return natural ? std::optional<uint32_t>(object.mode) : std::nullopt;
  }
  const uint32_t asked = object.mode;
  VENEER_TRY(const auto default_acl, DefaultAclLocked(*dir));
  if (default_acl) {
    const auto inherited = InheritAcl(*default_acl, asked, object.type);
    if (!inherited) return Fail(EIO);
    object.mode = inherited->mode;
    if (inherited->access) object.xattrs.emplace_back(kAclAccess, *inherited->access);
    if (inherited->default_acl) object.xattrs.emplace_back(kAclDefault, *inherited->default_acl);
  } else {
    object.mode &= ~caller.umask;
  }
  const uint32_t in_place = default_acl ? asked : object.mode;
  if (group_of_dir && object.type == FileType::kDirectory) object.mode |= 02000;
  return natural ? std::optional<uint32_t>(in_place) : std::nullopt;
}

Sys<Entry> UnionFs::State::MakeLocked(const NodeRef& dir, std::string_view name, NewObject object,
                                      const Caller& caller) {
  VENEER_TRY_VOID(CheckName(name));
  if (dir->removed) return Fail(ENOENT);
  VENEER_TRY_VOID(CopyUpMetaLocked(dir));
  const std::lock_guard lock(dir->directory->mutex);
  VENEER_TRY_VOID(LoadLocked(*dir));
  DirTable& table = dir->directory->table;
  DirTable::Child* child = table.Find(name);
  if (child != nullptr && child->visible) return Fail(EEXIST);
  const bool over_whiteout = child != nullptr && child->whiteout;
  // What was deleted here must not show through the new directory.
  object.opaque = object.type == FileType::kDirectory && child != nullptr && child->in_lower;

  VENEER_TRY(const SharedFd fd, UpperDirLocked(*dir));
  const std::string text(name);
  const sys::At place{fd->get(), text.c_str()};
  VENEER_TRY(const auto in_place_mode, InheritLocked(dir, object, caller));
  if (in_place_mode && !over_whiteout && !object.opaque) {
    object.mode = *in_place_mode;
    VENEER_TRY_VOID(upper->MakeInPlace(object, place));
  } else {
    VENEER_TRY(Upper::Staged staged, upper->Stage(object));
    VENEER_TRY_VOID(upper->Publish(staged, place, over_whiteout));
  }

  child = child != nullptr ? &table.Renew(*child) : &table.Add(name);
  child->type = object.type;
  child->in_upper = true;
  child->whiteout = false;
  VENEER_TRY(const Attr attr, upper->Stat(place));
  const NodeRef node = nodes.Create(object.type);
  node->parent = dir;
  node->name = text;
  node->origin_ino = attr.ino | kUpperInoBit;
  node->ino = options.numbers.OfUpper(attr.ino);
  node->upper = true;
  node->data_upper = true;
  child->node = node->id;
  child->ino = node->ino;
  if (node->directory) node->directory->loaded = true;  // nothing can be in it yet
  return Entry{node->id, Adjust(*node, attr)};
}

Sys<Entry> UnionFs::MakeNode(NodeId parent, std::string_view name, uint32_t mode,
                             uint32_t rdev_major, uint32_t rdev_minor, const Caller& caller) {
  if (!state_->upper) return Fail(EROFS);
  NewObject object;
  object.type = TypeFromMode(mode);
  object.mode = mode & 07777;
  object.rdev_major = rdev_major;
  object.rdev_minor = rdev_minor;
  if (object.type == FileType::kDirectory || object.type == FileType::kSymlink) return Fail(EINVAL);
  // From inside that would be a file, on disk it is a deletion (overlayfs refuses it, too).
  if (object.type == FileType::kCharDevice && rdev_major == 0 && rdev_minor == 0) {
    return Fail(EPERM);
  }
  VENEER_TRY(const NodeRef dir, state_->GetDir(parent));
  const std::shared_lock names(state_->names);
  return state_->MakeLocked(dir, name, std::move(object), caller);
}

Sys<Entry> UnionFs::MakeDirectory(NodeId parent, std::string_view name, uint32_t mode,
                                  const Caller& caller) {
  if (!state_->upper) return Fail(EROFS);
  NewObject object;
  object.type = FileType::kDirectory;
  object.mode = mode & 07777;
  VENEER_TRY(const NodeRef dir, state_->GetDir(parent));
  const std::shared_lock names(state_->names);
  return state_->MakeLocked(dir, name, std::move(object), caller);
}

Sys<Entry> UnionFs::MakeSymlink(NodeId parent, std::string_view name, std::string_view target,
                                const Caller& caller) {
  if (!state_->upper) return Fail(EROFS);
  NewObject object;
  object.type = FileType::kSymlink;
  object.target = target;
  VENEER_TRY(const NodeRef dir, state_->GetDir(parent));
  const std::shared_lock names(state_->names);
  return state_->MakeLocked(dir, name, std::move(object), caller);
}

Sys<Entry> UnionFs::MakeTmpFile(NodeId parent, uint32_t mode, const Caller& caller) {
  if (!state_->upper) return Fail(EROFS);
  VENEER_TRY(const NodeRef dir, state_->GetDir(parent));
  const std::shared_lock names(state_->names);
  if (dir->removed) return Fail(ENOENT);
  VENEER_TRY_VOID(state_->CopyUpMetaLocked(dir));
  const std::lock_guard lock(dir->directory->mutex);
  NewObject object;
  object.mode = mode & 07777;
  VENEER_TRY_VOID(state_->InheritLocked(dir, object, caller));
  VENEER_TRY(Upper::Staged staged, state_->upper->Stage(object, true));
  VENEER_TRY(const Attr attr, state_->upper->Stat(staged.at()));
  const NodeRef node = state_->nodes.Create(FileType::kRegular);
  node->origin_ino = attr.ino | kUpperInoBit;
  node->ino = state_->options.numbers.OfUpper(attr.ino);
  node->upper = true;
  node->data_upper = true;
  state_->PinLocked(*node, std::make_shared<const Fd>(staged.TakeFd()), Node::Rare::Use::kWrite);
  return Entry{node->id, state_->Adjust(*node, attr)};
}

Sys<Entry> UnionFs::Link(NodeId id, NodeId new_parent, std::string_view new_name) {
  if (!state_->upper) return Fail(EROFS);
  State& state = *state_;
  VENEER_TRY(const NodeRef node, state.Get(id));
  VENEER_TRY(const NodeRef dir, state.GetDir(new_parent));
  if (node->type == FileType::kDirectory) return Fail(EPERM);
  VENEER_TRY_VOID(State::CheckName(new_name));
  const std::shared_lock names(state.names);
  if (dir->removed) return Fail(ENOENT);
  VENEER_TRY_VOID(state.CopyUpMetaLocked(node));
  VENEER_TRY_VOID(state.CopyUpMetaLocked(dir));
  const std::lock_guard lock(dir->directory->mutex);
  VENEER_TRY_VOID(state.LoadLocked(*dir));
  DirTable& table = dir->directory->table;
  DirTable::Child* child = table.Find(new_name);
  if (child != nullptr && child->visible) return Fail(EEXIST);
  VENEER_TRY(const SharedFd fd, state.UpperDirLocked(*dir));
  const std::string text(new_name);
  {
    const std::unique_lock place(state.places.For(id));
    VENEER_TRY(const UpperPlace where, state.UpperPlaceLocked(*node));
    if (!node->data_upper && !(node->rare && node->rare->lower_path)) {
      // Found by its own name until now; under several it must say where its contents are.
      const std::string path = state.LowerPathLocked(*node);
      VENEER_TRY_VOID(state.upper->SetRedirect(where.at(), path));
      node->NeedRare().lower_path = path;
    }
    // The count first: a name that is not counted would let the others go with it.
    VENEER_TRY_VOID(state.CountUpLocked(*node));
    const Sys<void> linked = state.upper->Link(where.at(), {fd->get(), text.c_str()},
                                               child != nullptr && child->whiteout);
    if (!linked) {
      state.CountDownLocked(*node);
      return Fail(linked.error());
    }
    if (!node->HasName()) {
      node->parent = dir;
      node->name = text;
      node->removed = false;
      if (node->rare) node->rare->pinned.reset();
    } else {
      node->NeedRare().more.push_back({dir, text});
    }
  }
  child = child != nullptr ? &table.Renew(*child) : &table.Add(new_name);
  child->type = node->type;
  child->in_upper = true;
  child->whiteout = false;
  child->node = id;
  child->ino = node->ino;
  state.nodes.RegisterLinked(*node);
  VENEER_TRY(const Attr attr, state.AttrLocked(*node));
  if (!state.nodes.Acquire(*node)) return Fail(ESTALE);
  return Entry{id, attr};
}

}  // namespace veneer
