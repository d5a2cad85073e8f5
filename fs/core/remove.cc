// SPDX-License-Identifier: Apache-2.0
//
// Removing names: unlink, rmdir. A lower object is hidden by a whiteout and never copied for that.
#include <string>

#include "fs/core/parts.h"

namespace veneer {

namespace {

using Parts = UnionFs::Parts;

// The node that a name to be removed leads to, with a reference for the kernel.
Sys<NodeRef> AcquireChild(Parts& parts, const NodeRef& dir, std::string_view name, bool is_dir)
    REQUIRES_SHARED(names_role) {
  const MutexLock lock(dir->directory->mutex);
  VENEER_TRY_VOID(parts.children.Load(dir));
  DirTable::Child* child = dir->directory->table().Find(name);
  if (child == nullptr || !child->visible) return Fail(ENOENT);
  if (is_dir != (child->type == FileType::kDirectory)) return Fail(is_dir ? ENOTDIR : EISDIR);
  return parts.children.Acquire(dir, *child, nullptr);
}

// Takes a name away on disk. Before: nothing leads there any more, or is about to.
Sys<void> RemoveOnDisk(Parts& parts, const NodeRef& dir, DirTable::Child& child, Node& node)
    REQUIRES_SHARED(names_role) REQUIRES(dir->directory->mutex) {
  const std::string name(child.name());
  VENEER_TRY_VOID(parts.node_names.PinIfLast(node, dir, name));
  VENEER_TRY(const SharedFd fd, parts.paths.UpperDirectory(*dir));
  const sys::At at{fd->get(), name.c_str()};
  auto by = Upper::Occupied::kNothing;
  if (child.in_upper) by = node.is_dir() ? Upper::Occupied::kDirectory : Upper::Occupied::kFile;
  if (!child.in_lower) return parts.upper->Remove(at, by);
  VENEER_TRY_VOID(parts.upper->Whiteout(at, by));
  child.whiteout = true;
  return {};
}

// Takes a name that is gone on disk out of the table of its directory and out of its node.
void RemoveName(Parts& parts, const NodeRef& dir, DirTable::Child& child, std::string_view name,
                Node& node) REQUIRES_SHARED(names_role) REQUIRES(dir->directory->mutex) {
  child.visible = false;
  child.in_upper = false;
  child.node = kNoNode;
  if (!child.in_lower) dir->directory->table().Drop(child);
  parts.node_names.Remove(node, dir, name);
}

}  // namespace

Sys<void> UnionFs::Unlink(NodeId parent, std::string_view name) {
  if (!parts_->upper) return Fail(EROFS);
  Parts& parts = *parts_;
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(parent));
  const ReaderLock names(parts.names.mutex());
  VENEER_TRY(const NodeRef node, AcquireChild(parts, dir, name, false));
  const ScopedReference reference(parts.nodes, node);
  VENEER_TRY_VOID(parts.copy_up.Attributes(dir));
  // A copy-up of this very file must not bring the name back.
  const CopyUp::Prevention prevention(parts.copy_up, *node);
  const MutexLock lock(dir->directory->mutex);
  DirTable::Child& child = *dir->directory->table().Find(name);
  VENEER_TRY_VOID(RemoveOnDisk(parts, dir, child, *node));
  RemoveName(parts, dir, child, name, *node);
  return {};
}

Sys<void> UnionFs::RemoveDirectory(NodeId parent, std::string_view name) {
  if (!parts_->upper) return Fail(EROFS);
  Parts& parts = *parts_;
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(parent));
  const ReaderLock names(parts.names.mutex());
  VENEER_TRY(const NodeRef node, AcquireChild(parts, dir, name, true));
  const ScopedReference reference(parts.nodes, node);
  VENEER_TRY_VOID(parts.copy_up.Attributes(dir));
  // As in Unlink().
  const CopyUp::Prevention prevention(parts.copy_up, *node);
  const MutexLock lock(dir->directory->mutex);
  DirTable::Child& child = *dir->directory->table().Find(name);
  {
    // Parent before child, as everywhere.
    const MutexLock inner(node->directory->mutex);
    VENEER_TRY(const bool empty, parts.children.IsEmpty(node));
    if (!empty) return Fail(ENOTEMPTY);
    VENEER_TRY_VOID(RemoveOnDisk(parts, dir, child, *node));
    node->removed = true;
    node->directory->table() = DirTable();
  }
  RemoveName(parts, dir, child, name, *node);
  return {};
}

}  // namespace veneer
