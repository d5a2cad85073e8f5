// SPDX-License-Identifier: Apache-2.0
//
// From nodes to places: in the upper, and in the lower tree.
#include <algorithm>
#include <vector>

#include "fs/core/state.h"

namespace veneer {

Sys<NodeRef> UnionFs::State::Get(NodeId id) {
  NodeRef node = nodes.Find(id);
  if (!node) return Fail(ESTALE);
  return node;
}

Sys<NodeRef> UnionFs::State::GetDir(NodeId id) {
  VENEER_TRY(NodeRef node, Get(id));
  if (node->type != FileType::kDirectory) return Fail(ENOTDIR);
  return node;
}

NodeRef UnionFs::State::ParentLocked(const Node& node) {
  const std::shared_lock place(places.For(node.id));
  return node.parent;
}

// The directories on the way stay where they are: names is held, which excludes rename, and each holds the next.
Sys<SharedFd> UnionFs::State::UpperDirLocked(const Node& dir) {
  // Up to the nearest directory that is open, then down again: depth is no matter of the stack.
  std::vector<const Node*> closed;
  SharedFd fd;
  const Node* node = &dir;
  for (; node != root.get(); node = node->parent.get()) {
    if (node == nullptr) return Fail(ESTALE);
    if (node->rare && node->rare->pinned) {
      fd = node->rare->pinned;
      break;
    }
    fd = fds.Get(FdKey(node->id, kDirectoryFd));
    if (fd) break;
    closed.push_back(node);
  }
  if (!fd) fd = upper_root;
  for (auto it = closed.rbegin(); it != closed.rend(); ++it) {
    VENEER_TRY(Fd next, sys::Open({fd->get(), (*it)->name.c_str()}, O_PATH | O_DIRECTORY));
    fd = fds.Put(FdKey((*it)->id, kDirectoryFd), std::move(next));
  }
  return fd;
}

Sys<UpperPlace> UnionFs::State::UpperPlaceLocked(const Node& node) {
  if (&node == root.get()) return UpperPlace{upper_root, ""};
  if (node.rare && node.rare->pinned) return UpperPlace{node.rare->pinned, ""};
  if (node.linked_below && upper->links().Has(node.Identity())) {
    const LinkName name(node.Identity());
    // The index outlives every place; its descriptor is borrowed, not owned.
    static const auto kBorrowed = [](const Fd*) {};
    return UpperPlace{SharedFd(&upper->links().dir(), kBorrowed), name.text.data()};
  }
  if (!node.HasName()) return Fail(ESTALE);
  VENEER_TRY(SharedFd dir, UpperDirLocked(*node.parent));
  return UpperPlace{std::move(dir), node.name};
}

std::string UnionFs::State::LowerPathLocked(const Node& node) const {
  std::vector<const std::string*> parts;
  const Node* at = &node;
  while (at != nullptr && at != root.get()) {
    if (at->rare && at->rare->lower_path) {
      parts.push_back(&*at->rare->lower_path);
      break;
    }
    parts.push_back(&at->name);
    at = at->parent.get();
  }
  std::string path;
  for (auto it = parts.rbegin(); it != parts.rend(); ++it) {
    if (!path.empty()) path += '/';
    path += **it;
  }
  return path;
}

Sys<std::optional<LayerObject>> UnionFs::State::FindLowerPath(std::string_view path) const {
  LayerObject object = lower->Root();
  while (!path.empty()) {
    if (object.attr.type != FileType::kDirectory) return std::nullopt;
    const size_t slash = path.find('/');
    VENEER_TRY(auto next, lower->Lookup(object.ref, path.substr(0, slash), 0));
    if (!next) return std::nullopt;
    object = *std::move(next);
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  return object;
}

}  // namespace veneer
