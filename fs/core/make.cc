// SPDX-License-Identifier: Apache-2.0
//
// Making names: mknod, mkdir, symlink, O_TMPFILE, link.
#include <memory>
#include <string>
#include <utility>

#include "fs/core/parts.h"
#include "layerdb/model/posix_acl.h"

namespace veneer {

namespace {

using Parts = UnionFs::Parts;

// Where a directory that is in the upper is there.
Sys<UpperLocation> Locate(Parts& parts, const Node& dir) REQUIRES_SHARED(names_role) {
  const NodeReader reader(parts.locks, dir);
  return parts.paths.InUpper(reader);
}

Sys<std::optional<std::string>> DefaultAcl(Parts& parts, const NodeRef& dir)
    REQUIRES_SHARED(names_role) REQUIRES(dir->directory->mutex) {
  if (!parts.options.acl) return std::nullopt;
  auto& known = dir->directory->default_acl();
  if (!known) {
    Sys<std::string> acl = Fail(ENODATA);
    if (dir->upper) {
      VENEER_TRY(const UpperLocation where, Locate(parts, *dir));
      acl = sys::GetXattr(where.at(), kAclDefault);
    } else {
      acl = parts.lower->GetXattr(dir->lower, kAclDefault);
    }
    if (!acl && acl.error().code != ENODATA && acl.error().code != EOPNOTSUPP) {
      return Fail(acl.error());
    }
    known.emplace();
    if (acl && !acl->empty()) *known = *std::move(acl);
  }
  return *known;
}

// Completes a new object in `dir` with its owner, mode (umask, ACL, set-group-ID) and ACL xattrs.
// Returns the mode to make it in place with, where owner, ACL and group bit then come by
// themselves; nullopt where not.
Sys<std::optional<uint32_t>> Inherit(Parts& parts, const NodeRef& dir, NewObject& object,
                                     const Caller& caller) REQUIRES_SHARED(names_role)
    REQUIRES(dir->directory->mutex) {
  VENEER_TRY(const UpperLocation where, Locate(parts, *dir));
  VENEER_TRY(const Attr parent, parts.upper->Stat(where.at()));
  const bool group_of_dir = (parent.mode & 02000) != 0;
  object.uid = caller.uid;
  object.gid = group_of_dir ? parent.gid : caller.gid;
  const bool natural = parts.upper->OwnsNaturally(
      caller.uid, group_of_dir ? std::nullopt : std::optional<uint32_t>(caller.gid));
  if (object.type == FileType::kSymlink) {
    object.mode = 0777;
    return natural ? std::optional<uint32_t>(object.mode) : std::nullopt;
  }
  const uint32_t asked = object.mode;
  VENEER_TRY(const auto default_acl, DefaultAcl(parts, dir));
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

// Enters a name that was made in the upper; `child`: what the table has of it, or null.
DirTable::Child& EnterName(DirTable& table, DirTable::Child* child, std::string_view name,
                           FileType type) {
  DirTable::Child& entered = child != nullptr ? table.Renew(*child) : table.Add(name);
  entered.type = type;
  entered.in_upper = true;
  entered.whiteout = false;
  return entered;
}

Sys<Entry> Make(Parts& parts, NodeId parent, std::string_view name, NewObject object,
                const Caller& caller) {
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(parent));
  const ReaderLock names(parts.names.mutex());
  VENEER_TRY_VOID(Children::CheckName(name));
  if (dir->removed) return Fail(ENOENT);
  VENEER_TRY_VOID(parts.copy_up.Attributes(dir));
  const MutexLock lock(dir->directory->mutex);
  VENEER_TRY_VOID(parts.children.Load(dir));
  DirTable& table = dir->directory->table();
  DirTable::Child* const child = table.Find(name);
  if (child != nullptr && child->visible) return Fail(EEXIST);
  const bool over_whiteout = child != nullptr && child->whiteout;
  // What was deleted here must not show through the new directory.
  object.opaque = object.type == FileType::kDirectory && child != nullptr && child->in_lower;

  VENEER_TRY(const SharedFd fd, parts.paths.UpperDirectory(*dir));
  std::string text(name);
  const sys::At at{fd->get(), text.c_str()};
  VENEER_TRY(const auto in_place_mode, Inherit(parts, dir, object, caller));
  if (in_place_mode && !over_whiteout && !object.opaque) {
    object.mode = *in_place_mode;
    VENEER_TRY_VOID(parts.upper->MakeInPlace(object, at));
  } else {
    object.flags_from = fd->get();
    VENEER_TRY(Upper::Staged staged, parts.upper->Stage(object));
    VENEER_TRY_VOID(parts.upper->Publish(staged, at, over_whiteout));
  }

  DirTable::Child& entered = EnterName(table, child, name, object.type);
  VENEER_TRY(const Attr attr, parts.upper->Stat(at));
  const NodeRef node = parts.nodes.Create(object.type, {{dir, std::move(text)}, nullptr});
  parts.children.SetMade(*node, attr.ino);
  entered.node = node->id;
  entered.ino = node->ino;
  if (node->is_dir()) {
    const MutexLock made(node->directory->mutex);
    node->directory->SetLoaded({});  // nothing can be in it yet
  }
  return Entry{node->id, parts.attributes.Adjust(*node, attr)};
}

}  // namespace

Sys<Entry> UnionFs::MakeNode(NodeId parent, std::string_view name, uint32_t mode,
                             uint32_t rdev_major, uint32_t rdev_minor, const Caller& caller) {
  if (!parts_->upper) return Fail(EROFS);
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
  return Make(*parts_, parent, name, std::move(object), caller);
}

Sys<Entry> UnionFs::MakeDirectory(NodeId parent, std::string_view name, uint32_t mode,
                                  const Caller& caller) {
  if (!parts_->upper) return Fail(EROFS);
  NewObject object;
  object.type = FileType::kDirectory;
  object.mode = mode & 07777;
  return Make(*parts_, parent, name, std::move(object), caller);
}

Sys<Entry> UnionFs::MakeSymlink(NodeId parent, std::string_view name, std::string_view target,
                                const Caller& caller) {
  if (!parts_->upper) return Fail(EROFS);
  NewObject object;
  object.type = FileType::kSymlink;
  object.target = target;
  return Make(*parts_, parent, name, std::move(object), caller);
}

Sys<Entry> UnionFs::MakeTmpFile(NodeId parent, uint32_t mode, const Caller& caller) {
  if (!parts_->upper) return Fail(EROFS);
  Parts& parts = *parts_;
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(parent));
  const ReaderLock names(parts.names.mutex());
  if (dir->removed) return Fail(ENOENT);
  VENEER_TRY_VOID(parts.copy_up.Attributes(dir));
  const MutexLock lock(dir->directory->mutex);
  NewObject object;
  object.mode = mode & 07777;
  VENEER_TRY_VOID(Inherit(parts, dir, object, caller));
  VENEER_TRY(const SharedFd fd, parts.paths.UpperDirectory(*dir));
  object.flags_from = fd->get();
  VENEER_TRY(Upper::Staged staged, parts.upper->Stage(object, true));
  VENEER_TRY(const Attr attr, parts.upper->Stat(staged.at()));
  const NodeRef node = parts.nodes.Create(FileType::kRegular, {});
  parts.children.SetMade(*node, attr.ino);
  NodeWriter writer(parts.locks, *node);
  parts.descriptors.Pin(writer, std::make_shared<const Fd>(staged.ReleaseFd()),
                        Node::Location::Rare::Use::kWrite);
  return Entry{node->id, parts.attributes.Adjust(*node, attr)};
}

Sys<Entry> UnionFs::Link(NodeId id, NodeId new_parent, std::string_view new_name) {
  if (!parts_->upper) return Fail(EROFS);
  Parts& parts = *parts_;
  VENEER_TRY(const NodeRef node, parts.nodes.Get(id));
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(new_parent));
  if (node->is_dir()) return Fail(EPERM);
  VENEER_TRY_VOID(Children::CheckName(new_name));
  const ReaderLock names(parts.names.mutex());
  if (dir->removed) return Fail(ENOENT);
  VENEER_TRY_VOID(parts.copy_up.Attributes(node));
  VENEER_TRY_VOID(parts.copy_up.Attributes(dir));
  const MutexLock lock(dir->directory->mutex);
  VENEER_TRY_VOID(parts.children.Load(dir));
  DirTable& table = dir->directory->table();
  DirTable::Child* const child = table.Find(new_name);
  if (child != nullptr && child->visible) return Fail(EEXIST);
  VENEER_TRY(const SharedFd fd, parts.paths.UpperDirectory(*dir));
  const NodeName name{dir, std::string(new_name)};
  {
    NodeWriter writer(parts.locks, *node);
    VENEER_TRY(const UpperLocation where, parts.paths.InUpper(writer));
    if (!node->data_upper && writer->lower_path() == nullptr) {
      // Found by its own name until now; under several it must say where its contents are.
      const std::string path = parts.paths.LowerPath(*node);
      VENEER_TRY_VOID(parts.upper->SetRedirect(where.at(), path));
      writer->NeedRare().lower_path = path;
    }
    uint64_t key = node->Identity();
    if (node->shared_as == 0 && (key & kUpperInoBit) == 0) {
      VENEER_TRY(const Attr attr, parts.upper->Stat(where.at()));
      key = attr.ino | kUpperInoBit;
    }
    // The count first: a name that is not counted would let the others go with it.
    VENEER_TRY_VOID(parts.node_names.CountUp(*node));
    const Sys<void> linked = parts.upper->Link(where.at(), {fd->get(), name.name.c_str()},
                                               child != nullptr && child->whiteout);
    if (!linked) {
      parts.node_names.CountDown(*node);
      return Fail(linked.error());
    }
    if (node->shared_as == 0) parts.nodes.AddShared(*node, key);
    NodeNames::Give(writer, name);
  }
  DirTable::Child& entered = EnterName(table, child, new_name, node->type);
  entered.node = id;
  entered.ino = node->ino;
  VENEER_TRY(const Attr attr, parts.attributes.Stat(*node));
  if (!parts.nodes.Acquire(id)) return Fail(ESTALE);
  return Entry{id, attr};
}

}  // namespace veneer
