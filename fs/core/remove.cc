// SPDX-License-Identifier: Apache-2.0
//
// Removing names: unlink, rmdir. A lower object is hidden by a whiteout and never copied for that.
#include "fs/core/state.h"
#include "layerdb/base/log.h"

namespace veneer {

Sys<void> UnionFs::State::CountUpLocked(const Node& node) {
  if (!node.linked_below) return {};
  LinkIndex& index = upper->links();
  return index.SetCount(node.Identity(), index.Count(node.Identity()).value_or(node.lower_nlink) + 1);
}

void UnionFs::State::CountDownLocked(const Node& node) {
  if (!node.linked_below) return;
  const uint32_t count = upper->links().Count(node.Identity()).value_or(node.lower_nlink);
  const Sys<void> noted = upper->links().CountDown(node.Identity(), count > 0 ? count - 1 : 0);
  if (noted) return;
  LogWarning("the number of links of a file could not be noted (" + ErrnoText(noted.error().code) +
             "); after the next mount it is one too many");
}

Sys<void> UnionFs::State::PinIfLastLocked(Node& node, const NodeRef& dir, std::string_view name) {
  const std::unique_lock place(places.For(node.id));
  if (!node.upper || (node.rare && node.rare->pinned)) return {};
  if (node.rare && !node.rare->more.empty()) return {};
  if (node.linked_below && upper->links().Has(node.Identity()) &&
      upper->links().Count(node.Identity()).value_or(node.lower_nlink) > 1) {
    return {};
  }
  if (node.HasName() && !(node.parent == dir && node.name == name)) return {};
  VENEER_TRY(const UpperPlace where, UpperPlaceLocked(node));
  return PinCachedLocked(node, where.at());
}

void UnionFs::State::ForgetNameLocked(Node& node, const NodeRef& dir, std::string_view name) {
  NodeRef dropped;  // the parent may be freed with it, after the lock
  {
    const std::unique_lock place(places.For(node.id));
    const bool primary = node.parent == dir && node.name == name;
    if (node.rare) {
      auto& more = node.rare->more;
      if (primary && !more.empty()) {
        dropped = std::exchange(node.parent, std::move(more.back().parent));
        node.name = std::move(more.back().name);
        more.pop_back();
      } else if (!primary) {
        std::erase_if(
            more, [&](const NodeName& known) { return known.parent == dir && known.name == name; });
      } else {
        dropped = std::exchange(node.parent, nullptr);
      }
    } else if (primary) {
      dropped = std::exchange(node.parent, nullptr);
    }
  }
  CountDownLocked(node);
  const std::unique_lock place(places.For(node.id));
  if (!node.HasName() && !(node.linked_below && upper->links().Count(node.Identity()))) {
    node.removed = true;
  }
}

Sys<void> UnionFs::Unlink(NodeId parent, std::string_view name) {
  if (!state_->upper) return Fail(EROFS);
  State& state = *state_;
  VENEER_TRY(const NodeRef dir, state.GetDir(parent));
  const std::shared_lock names(state.names);
  NodeRef node;
  {
    const std::lock_guard lock(dir->directory->mutex);
    VENEER_TRY_VOID(state.LoadLocked(*dir));
    DirTable::Child* child = dir->directory->table.Find(name);
    if (child == nullptr || !child->visible) return Fail(ENOENT);
    if (child->type == FileType::kDirectory) return Fail(EISDIR);
    VENEER_TRY(node, state.ChildNodeLocked(dir, *child, nullptr));
  }
  const ScopedReference reference(state.nodes, node);

  VENEER_TRY_VOID(state.CopyUpMetaLocked(dir));
  // A copy-up of this very file must not bring the name back.
  const BusyNodes::Guard guard(state.busy, node->id, BusyNodes::Work::kCopyMeta);
  const std::lock_guard lock(dir->directory->mutex);
  DirTable& table = dir->directory->table;
  DirTable::Child* child = table.Find(name);
  VENEER_TRY_VOID(state.PinIfLastLocked(*node, dir, name));
  VENEER_TRY(const SharedFd fd, state.UpperDirLocked(*dir));
  const std::string text(name);
  const sys::At place{fd->get(), text.c_str()};
  const auto by = child->in_upper ? Upper::Occupied::kFile : Upper::Occupied::kNothing;
  if (child->in_lower) {
    VENEER_TRY_VOID(state.upper->Whiteout(place, by));
    child->whiteout = true;
  } else {
    VENEER_TRY_VOID(state.upper->Remove(place, by));
  }
  child->visible = false;
  child->in_upper = false;
  child->node = kNoNode;
  if (!child->in_lower) table.Drop(*child);
  state.ForgetNameLocked(*node, dir, name);
  return {};
}

Sys<void> UnionFs::RemoveDirectory(NodeId parent, std::string_view name) {
  if (!state_->upper) return Fail(EROFS);
  State& state = *state_;
  VENEER_TRY(const NodeRef dir, state.GetDir(parent));
  const std::shared_lock names(state.names);
  NodeRef node;
  {
    const std::lock_guard lock(dir->directory->mutex);
    VENEER_TRY_VOID(state.LoadLocked(*dir));
    DirTable::Child* child = dir->directory->table.Find(name);
    if (child == nullptr || !child->visible) return Fail(ENOENT);
    if (child->type != FileType::kDirectory) return Fail(ENOTDIR);
    VENEER_TRY(node, state.ChildNodeLocked(dir, *child, nullptr));
  }
  const ScopedReference reference(state.nodes, node);

  VENEER_TRY_VOID(state.CopyUpMetaLocked(dir));
  // As in Unlink().
  const BusyNodes::Guard guard(state.busy, node->id, BusyNodes::Work::kCopyMeta);
  const std::lock_guard lock(dir->directory->mutex);
  DirTable& table = dir->directory->table;
  DirTable::Child* child = table.Find(name);
  {
    // Parent before child, as everywhere.
    const std::lock_guard inner(node->directory->mutex);
    VENEER_TRY(const bool empty, state.IsEmptyLocked(node));
    if (!empty) return Fail(ENOTEMPTY);
    VENEER_TRY_VOID(state.PinIfLastLocked(*node, dir, name));
    VENEER_TRY(const SharedFd fd, state.UpperDirLocked(*dir));
    const std::string text(name);
    const sys::At place{fd->get(), text.c_str()};
    const auto by = child->in_upper ? Upper::Occupied::kDirectory : Upper::Occupied::kNothing;
    if (child->in_lower) {
      VENEER_TRY_VOID(state.upper->Whiteout(place, by));
      child->whiteout = true;
    } else {
      VENEER_TRY_VOID(state.upper->Remove(place, by));
    }
    node->removed = true;
    node->directory->table = DirTable();
  }
  child->visible = false;
  child->in_upper = false;
  child->node = kNoNode;
  if (!child->in_lower) table.Drop(*child);
  state.ForgetNameLocked(*node, dir, name);
  return {};
}

}  // namespace veneer
