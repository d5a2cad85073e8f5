// SPDX-License-Identifier: Apache-2.0
#include "fs/core/node_paths.h"

#include <algorithm>
#include <vector>

namespace veneer {

namespace {
// A descriptor of something that outlives every location is borrowed, not owned.
SharedFd Borrow(const Fd& fd) {
  return {&fd, [](const Fd*) {}};
}
}  // namespace

NodePaths::NodePaths(const Layer& lower, Upper* upper, Descriptors& descriptors, NodeLocks& locks,
                     const Node& root)
    : lower_(lower),
      upper_(upper),
      descriptors_(descriptors),
      locks_(locks),
      root_(root),
      upper_root_(upper != nullptr ? Borrow(upper->root()) : nullptr) {}

NodeRef NodePaths::Parent(const Node& node) {
  const NodeReader reader(locks_, node);
  return reader->name.parent;
}

bool NodePaths::IsInside(const Node& dir, const Node& ancestor) {
  for (const Node* at = &dir; at != nullptr; at = at->location_.name.parent.get()) {
    if (at == &ancestor) return true;
  }
  return false;
}

Sys<SharedFd> NodePaths::UpperDirectory(const Node& dir) {
  // Up to the nearest directory that is open, then down again: depth is no matter of the stack.
  std::vector<const Node*> closed;
  SharedFd fd;
  for (const Node* at = &dir; at != &root_; at = at->location_.name.parent.get()) {
    if (at == nullptr) return Fail(ESTALE);
    if (at->location_.IsPinned()) {
      fd = at->location_.rare->pinned;
      break;
    }
    fd = descriptors_.Get(at->id, Descriptors::kDirectory);
    if (fd) break;
    closed.push_back(at);
  }
  if (!fd) fd = upper_root_;
  for (auto it = closed.rbegin(); it != closed.rend(); ++it) {
    const std::string& name = (*it)->location_.name.name;
    VENEER_TRY(Fd next, sys::Open({fd->get(), name.c_str()}, O_PATH | O_DIRECTORY));
    fd = descriptors_.Put((*it)->id, Descriptors::kDirectory, std::move(next));
  }
  return fd;
}

Sys<UpperLocation> NodePaths::InUpper(const LockedNode& locked) {
  const Node& node = locked.node();
  if (&node == &root_) return UpperLocation{upper_root_, ""};
  if (locked->IsPinned()) return UpperLocation{locked->rare->pinned, ""};
  if (node.linked_below && upper_->links().Has(node.Identity())) {
    const LinkName name(node.Identity());
    return UpperLocation{Borrow(upper_->links().dir()), name.text.data()};
  }
  if (!locked->HasName()) return Fail(ESTALE);
  VENEER_TRY(SharedFd dir, UpperDirectory(*locked->name.parent));
  return UpperLocation{std::move(dir), locked->name.name};
}

std::string NodePaths::LowerPath(const Node& node) const {
  std::vector<const std::string*> parts;
  for (const Node* at = &node; at != nullptr && at != &root_;
       at = at->location_.name.parent.get()) {
    if (const std::string* path = at->location_.lower_path()) {
      parts.push_back(path);
      break;
    }
    parts.push_back(&at->location_.name.name);
  }
  std::string path;
  for (auto it = parts.rbegin(); it != parts.rend(); ++it) {
    if (!path.empty()) path += '/';
    path += **it;
  }
  return path;
}

std::string NodePaths::LowerPath(const Node& dir, std::string_view name) const {
  std::string path = LowerPath(dir);
  if (!path.empty()) path += '/';
  return path.append(name);
}

Sys<std::optional<LayerObject>> NodePaths::FindLower(std::string_view path) const {
  LayerObject object = lower_.Root();
  while (!path.empty()) {
    if (object.attr.type != FileType::kDirectory) return std::nullopt;
    const size_t slash = path.find('/');
    VENEER_TRY(auto next, lower_.Lookup(object.ref, path.substr(0, slash), 0));
    if (!next) return std::nullopt;
    object = *std::move(next);
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
  }
  return object;
}

}  // namespace veneer
