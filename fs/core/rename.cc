// SPDX-License-Identifier: Apache-2.0
//
// rename, in two phases. First, beside other requests: both sides are brought into the upper with
// what a move needs (a redirect to the lower part, an opaque mark), none of which changes what
// anybody sees. Then, alone: the move on disk, in the tables and in the nodes.
#include <linux/fs.h>

#include "fs/core/state.h"

namespace veneer {

// One of the two names.
struct UnionFs::State::RenameSide {
  NodeRef dir;
  std::string name;
  NodeRef node;  // null: no such name; the kernel reference is held elsewhere
  bool in_upper = false;
  bool in_lower = false;
  bool whiteout = false;
  std::optional<std::string>
      lower_path;  // what the node is to know of its lower part, once it has moved

  bool is_dir() const { return node != nullptr && node->type == FileType::kDirectory; }
};

// The node comes with a kernel reference.
Sys<UnionFs::State::RenameSide> UnionFs::State::RenameSideLocked(const NodeRef& dir,
                                                                 std::string_view name) {
  RenameSide side;
  side.dir = dir;
  side.name = name;
  const std::lock_guard lock(dir->directory->mutex);
  VENEER_TRY_VOID(LoadLocked(*dir));
  DirTable::Child* child = dir->directory->table.Find(name);
  if (child == nullptr) return side;
  if (child->visible) {
    auto node = ChildNodeLocked(dir, *child, nullptr);
    if (!node && child->visible) return Fail(node.error());
    if (node) side.node = *std::move(node);
  }
  side.in_upper = child->in_upper;
  side.in_lower = child->in_lower;
  side.whiteout = child->whiteout;
  return side;
}

// One of several names of a lower file, copied up under another, gets an entry in the upper to be moved.
Sys<void> UnionFs::State::GiveEntryLocked(const RenameSide& side) {
  const std::lock_guard lock(side.dir->directory->mutex);
  DirTable::Child* child = side.dir->directory->table.Find(side.name);
  if (child->in_upper) return {};
  const std::shared_lock place(places.For(side.node->id));
  VENEER_TRY(const UpperPlace where, UpperPlaceLocked(*side.node));
  VENEER_TRY(const SharedFd fd, UpperDirLocked(*side.dir));
  const KeepTimes times({fd->get()});
  VENEER_TRY_VOID(sys::Link(where.at(), {fd->get(), side.name.c_str()}));
  child->in_upper = true;
  return {};
}

// Brings `side` into the upper, ready to appear at `to`.
Sys<void> UnionFs::State::PrepareMoveLocked(RenameSide& side, const RenameSide& to) {
  const NodeRef& node = side.node;
  if (side.is_dir() && node->has_lower && !upper->options().redirect_dir) return Fail(EXDEV);
  VENEER_TRY_VOID(CopyUpMetaLocked(node));
  if (!side.in_upper) VENEER_TRY_VOID(GiveEntryLocked(side));
  const std::unique_lock place(places.For(node->id));
  VENEER_TRY(const UpperPlace where, UpperPlaceLocked(*node));
  const bool needs_path = node->has_lower && (side.is_dir() || !node->data_upper);
  if (needs_path) {
    side.lower_path = LowerPathLocked(*node);
    VENEER_TRY_VOID(upper->SetRedirect(where.at(), *side.lower_path));
  } else if (side.is_dir() && to.in_lower) {
    VENEER_TRY_VOID(upper->SetOpaque(where.at()));
  }
  return {};
}

void UnionFs::State::MoveName(Node& node, const NodeName& from, const NodeName& to) {
  if (node.parent == from.parent && node.name == from.name) {
    node.parent = to.parent;
    node.name = to.name;
    return;
  }
  if (!node.rare) return;
  for (NodeName& known : node.rare->more) {
    if (known.parent == from.parent && known.name == from.name) {
      known = to;
      return;
    }
  }
}

// State::names is held exclusively: nothing else happens in the tree.
Sys<void> UnionFs::State::ReplaceLocked(RenameSide& from, RenameSide& to) {
  VENEER_TRY(const SharedFd from_fd, UpperDirLocked(*from.dir));
  VENEER_TRY(const SharedFd to_fd, UpperDirLocked(*to.dir));
  if (to.node) VENEER_TRY_VOID(PinIfLastLocked(*to.node, to.dir, to.name));
  auto to_is = Upper::Occupied::kNothing;
  if (to.in_upper) {
    to_is = to.is_dir() ? Upper::Occupied::kDirectory : Upper::Occupied::kFile;
  } else if (to.whiteout) {
    to_is = Upper::Occupied::kFile;
  }
  VENEER_TRY(const bool whiteout,
             upper->Move({from_fd->get(), from.name.c_str()}, from.is_dir(),
                         {to_fd->get(), to.name.c_str()}, to_is, from.in_lower));

  DirTable& from_table = from.dir->directory->table;
  DirTable::Child* gone = from_table.Find(from.name);
  gone->visible = false;
  gone->in_upper = false;
  gone->whiteout = whiteout;
  gone->node = kNoNode;
  if (!gone->in_lower && !gone->whiteout) from_table.Drop(*gone);

  DirTable& to_table = to.dir->directory->table;
  DirTable::Child* child = to_table.Find(to.name);
  if (child == nullptr) {
    child = &to_table.Add(to.name);
  } else if (!child->visible) {
    child = &to_table.Renew(*child);
  }  // else the name stays where a listing finds it
  child->type = from.node->type;
  child->in_upper = true;
  child->whiteout = false;
  child->node = from.node->id;
  child->ino = from.node->ino;

  if (to.node) {
    if (to.is_dir()) {
      to.node->removed = true;
      to.node->directory->table = DirTable();
    }
    ForgetNameLocked(*to.node, to.dir, to.name);
  }
  MoveName(*from.node, {from.dir, from.name}, {to.dir, to.name});
  return {};
}

Sys<void> UnionFs::State::ExchangeLocked(RenameSide& from, RenameSide& to) {
  VENEER_TRY(const SharedFd from_fd, UpperDirLocked(*from.dir));
  VENEER_TRY(const SharedFd to_fd, UpperDirLocked(*to.dir));
  VENEER_TRY_VOID(
      upper->Exchange({from_fd->get(), from.name.c_str()}, {to_fd->get(), to.name.c_str()}));
  auto show = [](const RenameSide& at, const NodeRef& node) {
    DirTable::Child* child = at.dir->directory->table.Find(at.name);
    child->type = node->type;
    child->node = node->id;
    child->ino = node->ino;
    child->in_upper = true;
  };
  show(from, to.node);
  show(to, from.node);
  const NodeName a{from.dir, from.name};
  const NodeName b{to.dir, to.name};
  MoveName(*from.node, a, b);
  MoveName(*to.node, b, a);
  return {};
}

namespace {

// The rules of rename(2) that the kernel checks before it asks.
Sys<void> CheckReplace(const NodeRef& from, const NodeRef& to) {
  const bool from_dir = from->type == FileType::kDirectory;
  const bool to_dir = to->type == FileType::kDirectory;
  if (from_dir && !to_dir) return Fail(ENOTDIR);
  if (!from_dir && to_dir) return Fail(EISDIR);
  return {};
}

bool IsInside(const Node* dir, const Node* ancestor) {
  for (; dir != nullptr; dir = dir->parent.get()) {
    if (dir == ancestor) return true;
  }
  return false;
}

}  // namespace

Sys<void> UnionFs::Rename(NodeId parent, std::string_view name, NodeId new_parent,
                          std::string_view new_name, unsigned flags) {
  constexpr unsigned kKnown = RENAME_NOREPLACE | RENAME_EXCHANGE;
  const bool exchange = (flags & RENAME_EXCHANGE) != 0;
  if ((flags & ~kKnown) != 0 || (exchange && flags != RENAME_EXCHANGE)) return Fail(EINVAL);
  if (!state_->upper) return Fail(EROFS);
  State& state = *state_;
  VENEER_TRY(const NodeRef dir, state.GetDir(parent));
  VENEER_TRY(const NodeRef new_dir, state.GetDir(new_parent));
  VENEER_TRY_VOID(State::CheckName(new_name));

  State::RenameSide from;
  State::RenameSide to;
  std::optional<ScopedReference> from_reference;
  std::optional<ScopedReference> to_reference;
  {
    const std::shared_lock names(state.names);
    VENEER_TRY(from, state.RenameSideLocked(dir, name));
    if (!from.node) return Fail(ENOENT);
    from_reference.emplace(state.nodes, from.node);
    VENEER_TRY(to, state.RenameSideLocked(new_dir, new_name));
    if (to.node) to_reference.emplace(state.nodes, to.node);

    if (new_dir->removed) return Fail(ENOENT);
    if (from.is_dir() && IsInside(new_dir.get(), from.node.get())) return Fail(EINVAL);
    if (exchange) {
      if (!to.node) return Fail(ENOENT);
      if (to.is_dir() && IsInside(dir.get(), to.node.get())) return Fail(EINVAL);
    } else if (to.node) {
      if ((flags & RENAME_NOREPLACE) != 0) return Fail(EEXIST);
      VENEER_TRY_VOID(CheckReplace(from.node, to.node));
      if (to.is_dir()) {
        const std::lock_guard lock(to.node->directory->mutex);
        VENEER_TRY(const bool empty, state.IsEmptyLocked(to.node));
        if (!empty) return Fail(ENOTEMPTY);
      }
    }
    if (from.node == to.node) return {};  // POSIX rename: two names of one file

    VENEER_TRY_VOID(state.CopyUpMetaLocked(dir));
    VENEER_TRY_VOID(state.CopyUpMetaLocked(new_dir));
    VENEER_TRY_VOID(state.PrepareMoveLocked(from, to));
    if (exchange) VENEER_TRY_VOID(state.PrepareMoveLocked(to, from));
  }
  const std::unique_lock names(state.names);
  // Only now: whoever goes through a directory to what is below it reads this under State::names alone.
  for (State::RenameSide* side : {&from, &to}) {
    if (side->lower_path) side->node->NeedRare().lower_path = std::move(side->lower_path);
  }
  if (exchange) return state.ExchangeLocked(from, to);
  // What a concurrent copy-up of the target has brought into the upper since.
  if (const DirTable::Child* child = new_dir->directory->table.Find(new_name)) {
    to.in_upper = child->in_upper;
  }
  return state.ReplaceLocked(from, to);
}

}  // namespace veneer
