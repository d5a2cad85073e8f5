// SPDX-License-Identifier: Apache-2.0
//
// rename, in two phases. First, beside other requests: both sides are brought into the upper with
// what a move needs (a redirect to the lower part, an opaque mark), none of which changes what
// anybody sees. Then, alone: the move on disk, in the tables and in the nodes.
#include <linux/fs.h>

#include <optional>
#include <string>
#include <utility>

#include "fs/core/parts.h"

namespace veneer {

namespace {

using Parts = UnionFs::Parts;

// One of the two names.
struct Side {
  NodeRef dir;
  std::string name;
  NodeRef node;  // null: no such name; the kernel reference is held elsewhere
  bool in_upper = false;
  bool in_lower = false;
  bool whiteout = false;
  // The path that the node is to have of its lower part, once it has moved.
  std::optional<std::string> lower_path = std::nullopt;

  bool is_dir() const { return node != nullptr && node->is_dir(); }
};

// The node comes with a kernel reference.
Sys<Side> FindSide(Parts& parts, const NodeRef& dir, std::string_view name)
    REQUIRES_SHARED(names_role) {
  Side side{dir, std::string(name), nullptr};
  const MutexLock lock(dir->directory->mutex);
  VENEER_TRY_VOID(parts.children.Load(dir));
  DirTable::Child* child = dir->directory->table().Find(name);
  if (child == nullptr) return side;
  if (child->visible) {
    auto node = parts.children.Acquire(dir, *child, nullptr);
    if (!node && child->visible) return Fail(node.error());
    if (node) side.node = *std::move(node);
  }
  side.in_upper = child->in_upper;
  side.in_lower = child->in_lower;
  side.whiteout = child->whiteout;
  return side;
}

// One of several names of a lower file, copied up under another, gets an entry in the upper to be
// moved.
Sys<void> MakeEntry(Parts& parts, const Side& side) REQUIRES_SHARED(names_role) {
  const MutexLock lock(side.dir->directory->mutex);
  DirTable::Child* child = side.dir->directory->table().Find(side.name);
  if (child->in_upper) return {};
  const NodeReader reader(parts.locks, *side.node);
  VENEER_TRY(const UpperLocation where, parts.paths.InUpper(reader));
  VENEER_TRY(const SharedFd fd, parts.paths.UpperDirectory(*side.dir));
  const TimesGuard times({fd->get()});
  VENEER_TRY_VOID(sys::Link(where.at(), {fd->get(), side.name.c_str()}));
  child->in_upper = true;
  return {};
}

// Brings `side` into the upper, ready to appear at `to`.
Sys<void> PrepareMove(Parts& parts, Side& side, const Side& to) REQUIRES_SHARED(names_role) {
  const NodeRef& node = side.node;
  if (side.is_dir() && node->has_lower && !parts.upper->options().redirect_dir) return Fail(EXDEV);
  VENEER_TRY_VOID(parts.copy_up.Attributes(node));
  if (!side.in_upper) VENEER_TRY_VOID(MakeEntry(parts, side));
  const NodeWriter writer(parts.locks, *node);
  VENEER_TRY(const UpperLocation where, parts.paths.InUpper(writer));
  const bool needs_path = node->has_lower && (side.is_dir() || !node->data_upper);
  if (needs_path) {
    side.lower_path = parts.paths.LowerPath(*node);
    VENEER_TRY_VOID(parts.upper->SetRedirect(where.at(), *side.lower_path));
  } else if (side.is_dir() && to.in_lower) {
    VENEER_TRY_VOID(parts.upper->SetOpaque(where.at()));
  }
  return {};
}

// What is at the target on disk.
Upper::Occupied OccupiedBy(const Side& to) {
  if (to.in_upper) return to.is_dir() ? Upper::Occupied::kDirectory : Upper::Occupied::kFile;
  return to.whiteout ? Upper::Occupied::kFile : Upper::Occupied::kNothing;
}

// The name has gone from `from`, and a whiteout may be there now.
void RemoveChild(const Side& from, bool whiteout) REQUIRES(names_role) {
  from.dir->directory->AssertAlone();
  DirTable& table = from.dir->directory->table();
  DirTable::Child* gone = table.Find(from.name);
  gone->visible = false;
  gone->in_upper = false;
  gone->whiteout = whiteout;
  gone->node = kNoNode;
  if (!gone->in_lower && !gone->whiteout) table.Drop(*gone);
}

// `node` has the name of `to` now.
void SetChild(const Side& to, const Node& node) REQUIRES(names_role) {
  to.dir->directory->AssertAlone();
  DirTable& table = to.dir->directory->table();
  DirTable::Child* child = table.Find(to.name);
  if (child == nullptr) {
    child = &table.Add(to.name);
  } else if (!child->visible) {
    child = &table.Renew(*child);
  }  // else the name stays where a listing finds it
  child->type = node.type;
  child->in_upper = true;
  child->whiteout = false;
  child->node = node.id;
  child->ino = node.ino;
}

Sys<void> Replace(Parts& parts, Side& from, Side& to) REQUIRES(names_role) {
  VENEER_TRY(const SharedFd from_fd, parts.paths.UpperDirectory(*from.dir));
  VENEER_TRY(const SharedFd to_fd, parts.paths.UpperDirectory(*to.dir));
  if (to.node) VENEER_TRY_VOID(parts.node_names.PinIfLast(*to.node, to.dir, to.name));
  VENEER_TRY(const bool whiteout,
             parts.upper->Move({from_fd->get(), from.name.c_str()}, from.is_dir(),
                               {to_fd->get(), to.name.c_str()}, OccupiedBy(to), from.in_lower));
  RemoveChild(from, whiteout);
  SetChild(to, *from.node);
  if (to.node) {
    if (to.is_dir()) {
      to.node->removed = true;
      to.node->directory->AssertAlone();
      to.node->directory->table() = DirTable();
    }
    parts.node_names.Remove(*to.node, to.dir, to.name);
  }
  parts.node_names.Move(*from.node, {from.dir, from.name}, {to.dir, to.name});
  return {};
}

Sys<void> Exchange(Parts& parts, Side& from, Side& to) REQUIRES(names_role) {
  VENEER_TRY(const SharedFd from_fd, parts.paths.UpperDirectory(*from.dir));
  VENEER_TRY(const SharedFd to_fd, parts.paths.UpperDirectory(*to.dir));
  VENEER_TRY_VOID(
      parts.upper->Exchange({from_fd->get(), from.name.c_str()}, {to_fd->get(), to.name.c_str()}));
  SetChild(from, *to.node);
  SetChild(to, *from.node);
  const NodeName a{from.dir, from.name};
  const NodeName b{to.dir, to.name};
  parts.node_names.Move(*from.node, a, b);
  parts.node_names.Move(*to.node, b, a);
  return {};
}

// The rules of rename(2) that the kernel checks before it asks.
Sys<void> CheckReplace(const NodeRef& from, const NodeRef& to) {
  const bool from_dir = from->is_dir();
  const bool to_dir = to->is_dir();
  if (from_dir && !to_dir) return Fail(ENOTDIR);
  if (!from_dir && to_dir) return Fail(EISDIR);
  return {};
}

}  // namespace

Sys<void> UnionFs::Rename(NodeId parent, std::string_view name, NodeId new_parent,
                          std::string_view new_name, unsigned flags) {
  constexpr unsigned kKnown = RENAME_NOREPLACE | RENAME_EXCHANGE;
  const bool exchange = (flags & RENAME_EXCHANGE) != 0;
  if ((flags & ~kKnown) != 0 || (exchange && flags != RENAME_EXCHANGE)) return Fail(EINVAL);
  if (!parts_->upper) return Fail(EROFS);
  Parts& parts = *parts_;
  VENEER_TRY(const NodeRef dir, parts.nodes.GetDirectory(parent));
  VENEER_TRY(const NodeRef new_dir, parts.nodes.GetDirectory(new_parent));
  VENEER_TRY_VOID(Children::CheckName(new_name));

  Side from;
  Side to;
  std::optional<ScopedReference> from_reference;
  std::optional<ScopedReference> to_reference;
  {
    const ReaderLock names(parts.names.mutex());
    VENEER_TRY(from, FindSide(parts, dir, name));
    if (!from.node) return Fail(ENOENT);
    from_reference.emplace(parts.nodes, from.node);
    VENEER_TRY(to, FindSide(parts, new_dir, new_name));
    if (to.node) to_reference.emplace(parts.nodes, to.node);

    if (new_dir->removed) return Fail(ENOENT);
    if (from.is_dir() && NodePaths::IsInside(*new_dir, *from.node)) return Fail(EINVAL);
    if (exchange) {
      if (!to.node) return Fail(ENOENT);
      if (to.is_dir() && NodePaths::IsInside(*dir, *to.node)) return Fail(EINVAL);
    } else if (to.node) {
      if ((flags & RENAME_NOREPLACE) != 0) return Fail(EEXIST);
      VENEER_TRY_VOID(CheckReplace(from.node, to.node));
      if (to.is_dir()) {
        const MutexLock lock(to.node->directory->mutex);
        VENEER_TRY(const bool empty, parts.children.IsEmpty(to.node));
        if (!empty) return Fail(ENOTEMPTY);
      }
    }
    if (from.node == to.node) return {};  // POSIX rename: two names of one file

    VENEER_TRY_VOID(parts.copy_up.Attributes(dir));
    VENEER_TRY_VOID(parts.copy_up.Attributes(new_dir));
    VENEER_TRY_VOID(PrepareMove(parts, from, to));
    if (exchange) VENEER_TRY_VOID(PrepareMove(parts, to, from));
  }
  const WriterLock names(parts.names.mutex());
  // Only now: whoever walks up through a directory reads this under NamesLock alone.
  for (Side* side : {&from, &to}) {
    if (!side->lower_path) continue;
    NodeWriter writer(parts.locks, *side->node);
    writer->NeedRare().lower_path = std::move(side->lower_path);
  }
  if (exchange) return Exchange(parts, from, to);
  // What a concurrent copy-up of the target has brought into the upper since.
  new_dir->directory->AssertAlone();
  if (const DirTable::Child* child = new_dir->directory->table().Find(new_name)) {
    to.in_upper = child->in_upper;
  }
  return Replace(parts, from, to);
}

}  // namespace veneer
