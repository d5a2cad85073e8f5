// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/tree_builder.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "layerdb/base/hash.h"
#include "layerdb/base/printable.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/tar/names.h"

namespace veneer {

namespace {

constexpr TreeBuilder::Node kRoot = 0;
constexpr int kMaxSymlinks = 40;  // as the kernel allows in one path
// A slot whose name was removed; lookups go on behind it.
constexpr uint32_t kForgotten = UINT32_MAX - 1;
// The longest symlink target a kernel takes (PATH_MAX with its NUL).
constexpr size_t kMaxTarget = 4095;

TreeBuilder::Object ImpliedDirectory(const Timestamp& mtime) {
  TreeBuilder::Object object;
  object.attr.type = FileType::kDirectory;
  object.attr.mode = 0755;
  object.attr.mtime = mtime;
  return object;
}

std::string Join(std::span<const std::string_view> path) {
  std::string out;
  for (const std::string_view part : path) out.append(part).append("/");
  return out;
}

}  // namespace

TreeBuilder::TreeBuilder(const Limits& limits, uint64_t seed)
    : limits_(limits), seed_(seed), xattrs_(1), table_(1024, kNoName) {
  const Node root = NewNode(ImpliedDirectory(Timestamp{}));
  nodes_[root].implied = true;
  nodes_[root].nlink = 1;
  nodes_[root].parent = kRoot;
}

size_t TreeBuilder::SlotOf(Node parent, std::string_view name) const {
  return Xxh64(name, seed_ ^ (uint64_t{parent} << 32 | parent)) & (table_.size() - 1);
}

Result<void> TreeBuilder::Charge(uint64_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= limits_.bytes) return {};
  return MakeError("its names, links and attributes have more than " +
                   std::to_string(limits_.bytes >> 20) + " MiB");
}

TreeBuilder::Name TreeBuilder::Find(Node parent, std::string_view name) const {
  for (size_t slot = SlotOf(parent, name);; slot = (slot + 1) & (table_.size() - 1)) {
    const Name found = table_[slot];
    if (found == kNoName) return kNoName;
    if (found != kForgotten && names_[found].parent == parent && NameText(found) == name) {
      return found;
    }
  }
}

void TreeBuilder::Grow() {
  size_t alive = 0;
  for (const Name name : table_) alive += name != kNoName && name != kForgotten ? 1 : 0;
  std::vector<Name> old(std::max<size_t>(1024, std::bit_ceil(alive * 4)), kNoName);
  old.swap(table_);
  for (const Name name : old) {
    if (name == kNoName || name == kForgotten) continue;
    size_t slot = SlotOf(names_[name].parent, NameText(name));
    while (table_[slot] != kNoName) slot = (slot + 1) & (table_.size() - 1);
    table_[slot] = name;
  }
  table_used_ = alive;
}

Result<TreeBuilder::Name> TreeBuilder::FindOrMake(Node parent, std::string_view name) {
  const Name found = Find(parent, name);
  if (found != kNoName) return found;
  if (++made_ > limits_.entries) {
    return MakeError("more than " + std::to_string(limits_.entries) + " entries");
  }
  VENEER_TRY_VOID(Charge(name.size()));
  if ((table_used_ + 1) * 10 > table_.size() * 7) Grow();
  const Name made = static_cast<Name>(names_.size());
  NameRec& record = names_.emplace_back();
  record.text = text_.size();
  record.size = static_cast<uint8_t>(name.size());
  record.parent = parent;
  text_.append(name);
  record.next = nodes_[parent].first_child;
  nodes_[parent].first_child = made;
  size_t slot = SlotOf(parent, name);
  while (table_[slot] != kNoName) slot = (slot + 1) & (table_.size() - 1);
  table_[slot] = made;
  ++table_used_;
  return made;
}

// Takes the name out of the table (not out of its directory's list).
void TreeBuilder::Forget(Name name) {
  size_t slot = SlotOf(names_[name].parent, NameText(name));
  while (table_[slot] != name) slot = (slot + 1) & (table_.size() - 1);
  table_[slot] = kForgotten;
}

// One name less for `node`; a directory goes with everything in it.
void TreeBuilder::DropNode(Node node) {
  std::vector<Node> pending{node};
  while (!pending.empty()) {
    NodeRec& record = nodes_[pending.back()];
    pending.pop_back();
    if (--record.nlink > 0) continue;
    for (Name child = record.first_child; child != kNoName; child = names_[child].next) {
      Forget(child);
      if (names_[child].node != kNoNode) pending.push_back(names_[child].node);
    }
    record.first_child = kNoName;
  }
}

// Makes the name refer to nothing; what it was is dropped.
void TreeBuilder::Detach(Name name) {
  const Node node = std::exchange(names_[name].node, kNoNode);
  if (node == kNoNode) return;
  const FileType type = nodes_[node].type;
  if (type == FileType::kDirectory || type == FileType::kSymlink) last_parent_node_ = kNoNode;
  DropNode(node);
}

TreeBuilder::Node TreeBuilder::NewNode(const Object& object) {
  const auto node = static_cast<Node>(nodes_.size());
  nodes_.emplace_back();
  Describe(node, object);
  return node;
}

void TreeBuilder::Describe(Node node, const Object& object) {
  NodeRec& record = nodes_[node];
  record.type = object.attr.type;
  // Linux has no modes of symlinks: an archive of macOS may say anything.
  const bool symlink = object.attr.type == FileType::kSymlink;
  record.mode = symlink ? 0777 : static_cast<uint16_t>(object.attr.mode & 07777);
  record.uid = object.attr.uid;
  record.gid = object.attr.gid;
  record.major = object.attr.rdev_major;
  record.minor = object.attr.rdev_minor;
  record.mtime = object.attr.mtime.sec;
  record.mtime_nsec = object.attr.mtime.nsec;
  record.size = object.attr.type == FileType::kRegular ? object.attr.size : 0;
  record.content = object.content;
  record.xattrs = 0;
  record.implied = false;
  record.for_marks = false;
  if (symlink) {
    record.target = text_.size();
    record.target_size = static_cast<uint32_t>(object.target.size());
    record.size = object.target.size();
    text_.append(object.target);
  }
  if (!object.xattrs.empty()) {
    record.xattrs = static_cast<uint32_t>(xattrs_.size());
    xattrs_.push_back(object.xattrs);
    std::sort(xattrs_.back().begin(), xattrs_.back().end());
  }
}

Result<TreeBuilder::Node> TreeBuilder::MakeImplied(Node parent, Name name, const Timestamp& mtime) {
  if (nodes_[parent].depth >= kMaxTreeDepth) {
    return MakeError("a path deeper than " + std::to_string(kMaxTreeDepth) + " directories");
  }
  Detach(name);
  const Node node = NewNode(ImpliedDirectory(mtime));
  NodeRec& record = nodes_[node];
  // mkdir(2), by which every reader of archives makes it, passes the bit on. The group is root's in
  // Docker's.
  record.mode |= nodes_[parent].mode & kSetGroupId;
  record.implied = true;
  record.nlink = 1;
  record.parent = parent;
  record.depth = static_cast<uint16_t>(nodes_[parent].depth + 1);
  names_[name].node = node;
  return node;
}

// Walks a path of directories. kNoNode: what `missing` says does not lead there.
Result<TreeBuilder::Node> TreeBuilder::Resolve(std::span<const std::string_view> path,
                                               Missing missing, const Timestamp& mtime) {
  // Components still to walk, the next one last. Those of symlinks are copied: text_ may move.
  std::vector<std::string> pending(path.rbegin(), path.rend());
  Node at = kRoot;
  int symlinks = 0;
  while (!pending.empty()) {
    const std::string part = std::move(pending.back());
    pending.pop_back();
    if (part == "..") {
      at = nodes_[at].parent;
      continue;
    }
    Name name = Find(at, part);
    const Node next = name == kNoName ? kNoNode : names_[name].node;
    if (next != kNoNode && nodes_[next].type == FileType::kDirectory) {
      at = next;
      if (missing == Missing::kMake && std::exchange(nodes_[at].for_marks, false)) {
        nodes_[at].mtime = mtime.sec;
        nodes_[at].mtime_nsec = mtime.nsec;
      }
      continue;
    }
    if (next != kNoNode && nodes_[next].type == FileType::kSymlink) {
      if (++symlinks > kMaxSymlinks) {
        if (missing == Missing::kMakeForMark) return kNoNode;
        return MakeError("\"" + PrintablePath(part) + "\": " + ErrnoText(ELOOP));
      }
      std::string_view target = Text(nodes_[next].target, nodes_[next].target_size);
      if (target.starts_with('/')) at = kRoot;
      const size_t keep = pending.size();
      while (!target.empty()) {
        const size_t slash = target.find('/');
        const std::string_view piece = target.substr(0, slash);
        target.remove_prefix(slash == std::string_view::npos ? target.size() : slash + 1);
        if (piece.empty() || piece == ".") continue;
        if (piece.size() > kMaxName) {
          return MakeError("\"" + PrintablePath(part) + "\": " + ErrnoText(ENAMETOOLONG));
        }
        pending.emplace_back(piece);
      }
      symlink_steps_ += pending.size() - keep;
      if (symlink_steps_ > limits_.symlink_steps) {
        return MakeError("too many entries below symlinks");
      }
      std::reverse(pending.begin() + static_cast<ptrdiff_t>(keep), pending.end());
      continue;
    }
    if (missing == Missing::kStop) return kNoNode;
    if (missing == Missing::kMakeForMark && next != kNoNode) return kNoNode;
    VENEER_TRY(name, FindOrMake(at, part));
    VENEER_TRY(at, MakeImplied(at, name, mtime));
    nodes_[at].for_marks = missing == Missing::kMakeForMark;
  }
  return at;
}

Result<TreeBuilder::Node> TreeBuilder::ParentOf(const TreePath& path, Missing missing,
                                                const Timestamp& mtime) {
  const std::span<const std::string_view> parents(path.data(), path.size() - 1);
  std::string joined = Join(parents);
  if (last_parent_node_ != kNoNode && joined == last_parent_) return last_parent_node_;
  VENEER_TRY(const Node parent, Resolve(parents, missing, mtime));
  // What is in a directory that is here for marks gives it its time, so the next entry has to walk
  // there.
  if (parent != kNoNode && nodes_[parent].for_marks) return parent;
  last_parent_ = std::move(joined);
  last_parent_node_ = parent;
  return parent;
}

Result<TreeBuilder::Node> TreeBuilder::Add(const TreePath& path, const Object& object) {
  const bool directory = object.attr.type == FileType::kDirectory;
  VENEER_TRY_VOID(CheckXattrs(object.xattrs, object.attr.type));
  for (const Xattr& xattr : object.xattrs) {
    VENEER_TRY_VOID(Charge(xattr.first.size() + xattr.second.size() + sizeof xattr));
  }
  if (path.empty()) {
    if (!directory) return MakeError("the root of the tree can only be a directory");
    repeats_ = repeats_ || !nodes_[kRoot].implied;
    Describe(kRoot, object);
    return kRoot;
  }
  if (object.attr.type == FileType::kSymlink) {
    if (object.target.empty()) return MakeError("a symlink to nothing");
    if (object.target.size() > kMaxTarget) {
      return MakeError("the target of a symlink: " + ErrnoText(ENAMETOOLONG));
    }
    VENEER_TRY_VOID(Charge(object.target.size()));
  }
  VENEER_TRY(const Node parent, ParentOf(path, Missing::kMake, object.attr.mtime));
  VENEER_TRY(const Name name, FindOrMake(parent, path.back()));
  const Node before = names_[name].node;
  repeats_ = repeats_ || IsDescribed(name);
  if (directory) {
    Node node = before;
    if (node == kNoNode || nodes_[node].type != FileType::kDirectory) {
      VENEER_TRY(node, MakeImplied(parent, name, object.attr.mtime));
    }
    Describe(node, object);
    return node;
  }
  Detach(name);
  const Node node = NewNode(object);
  nodes_[node].nlink = 1;
  names_[name].node = node;
  return node;
}

Result<void> TreeBuilder::AddHardLink(const TreePath& path, const TreePath& target) {
  if (path.empty()) return MakeError("the root of the tree can only be a directory");
  auto missing = [&] {
    std::string text = Join(target);
    if (!text.empty()) text.pop_back();
    return MakeError("a hard link to \"" + PrintablePath(text) +
                     "\", which is no file of this archive");
  };
  if (target.empty()) return missing();
  VENEER_TRY(const Node directory,
             Resolve({target.data(), target.size() - 1}, Missing::kStop, Timestamp{}));
  const Name from = directory == kNoNode ? kNoName : Find(directory, target.back());
  const Node node = from == kNoName ? kNoNode : names_[from].node;
  if (node == kNoNode || nodes_[node].type == FileType::kDirectory) return missing();
  // The target keeps this name until the link is made, whatever making its parents replaces.
  ++nodes_[node].nlink;
  const Timestamp mtime{nodes_[node].mtime, nodes_[node].mtime_nsec};
  VENEER_TRY(const Node parent, ParentOf(path, Missing::kMake, mtime));
  VENEER_TRY(const Name name, FindOrMake(parent, path.back()));
  repeats_ = repeats_ || IsDescribed(name);
  Detach(name);
  names_[name].node = node;
  return {};
}

Result<void> TreeBuilder::AddWhiteout(const TreePath& path) {
  VENEER_TRY(const Node parent, ParentOf(path, Missing::kMakeForMark, Timestamp{}));
  if (parent == kNoNode) return {};
  VENEER_TRY(const Name name, FindOrMake(parent, path.back()));
  repeats_ = repeats_ || names_[name].whiteout;
  names_[name].whiteout = true;
  return {};
}

Result<void> TreeBuilder::MakeOpaque(const TreePath& directory) {
  VENEER_TRY(const Node node, Resolve(directory, Missing::kMakeForMark, Timestamp{}));
  if (node == kNoNode) return {};
  repeats_ = repeats_ || nodes_[node].opaque;
  nodes_[node].opaque = true;
  return {};
}

Result<void> TreeBuilder::SetXattr(Node node, std::string_view name, std::string_view value) {
  VENEER_TRY_VOID(Charge(name.size() + value.size()));
  NodeRec& record = nodes_[node];
  if (record.xattrs == 0) {
    record.xattrs = static_cast<uint32_t>(xattrs_.size());
    xattrs_.emplace_back();
  }
  XattrList& list = xattrs_[record.xattrs];
  std::erase_if(list, [&](const Xattr& x) { return x.first == name; });
  list.emplace_back(name, value);
  std::sort(list.begin(), list.end());
  return CheckXattrs(list, record.type);
}

// By node: a directory that is described, or has something in it that is. The others are here only
// for the marks in them.
std::vector<bool> TreeBuilder::DirectoriesWithObjects() const {
  std::vector<bool> with(nodes_.size());
  for (const NameRec& name : names_) {
    if (name.node == kNoNode || nodes_[name.parent].nlink == 0) continue;
    const NodeRec& node = nodes_[name.node];
    const bool described = node.type != FileType::kDirectory || !node.implied;
    if (!described) continue;
    with[name.node] = true;
    for (Node at = name.parent; !with[at]; at = nodes_[at].parent) with[at] = true;
  }
  return with;
}

Result<void> TreeBuilder::Walk(FunctionRef<Result<void>(const Visited&)> sink) {
  inos_.assign(nodes_.size(), 0);
  uint64_t next_ino = 1;
  auto visit = [&](uint64_t dir, std::string_view name, Node node,
                   bool whiteout_too) -> Result<void> {
    const NodeRec& record = nodes_[node];
    if (inos_[node] == 0) inos_[node] = next_ino++;
    Visited out;
    out.dir = dir;
    out.name = name;
    out.node = node;
    const bool directory = record.type == FileType::kDirectory;
    out.opaque = directory && (record.opaque || whiteout_too);
    // A whiteout describes it, as a new one.
    out.implied = record.implied && !whiteout_too;
    out.attr.type = record.type;
    out.attr.mode = record.mode;
    out.attr.uid = record.uid;
    out.attr.gid = record.gid;
    out.attr.nlink = record.nlink;
    out.attr.rdev_major = record.major;
    out.attr.rdev_minor = record.minor;
    out.attr.ino = inos_[node];
    out.attr.size = record.size;
    out.attr.mtime = {record.mtime, record.mtime_nsec};
    out.target = Text(record.target, record.target_size);
    out.xattrs = &xattrs_[record.xattrs];
    out.content = record.content;
    return sink(out);
  };
  VENEER_TRY_VOID(visit(0, {}, kRoot, false));
  const std::vector<bool> with_objects = DirectoriesWithObjects();
  // Breadth first: directories get ascending numbers, and are listed in that order.
  std::vector<std::pair<Node, bool>> directories{{kRoot, nodes_[kRoot].opaque}};
  std::vector<Name> children;
  for (size_t i = 0; i < directories.size(); ++i) {
    const auto [directory, opaque] = directories[i];
    children.clear();
    for (Name child = nodes_[directory].first_child; child != kNoName; child = names_[child].next) {
      children.push_back(child);
    }
    std::sort(children.begin(), children.end(),
              [&](Name a, Name b) { return NameText(a) < NameText(b); });
    for (const Name child : children) {
      const NameRec& record = names_[child];
      const uint64_t dir = inos_[directory];
      const bool only_marks = record.node != kNoNode && !with_objects[record.node];
      if (record.node == kNoNode || (only_marks && (opaque || record.whiteout))) {
        // Where nothing shows from below there is nothing to delete.
        if (!record.whiteout || opaque) continue;
        Visited out;
        out.dir = dir;
        out.name = NameText(child);
        out.whiteout = true;
        VENEER_TRY_VOID(sink(out));
        continue;
      }
      VENEER_TRY_VOID(visit(dir, NameText(child), record.node, record.whiteout));
      if (nodes_[record.node].type == FileType::kDirectory) {
        directories.emplace_back(record.node, nodes_[record.node].opaque || record.whiteout);
      }
    }
  }
  return {};
}

}  // namespace veneer
