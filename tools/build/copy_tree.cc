// SPDX-License-Identifier: Apache-2.0
#include "tools/build/copy_tree.h"

#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"

namespace veneer {

namespace {

void AddField(std::string_view value, std::string* fields) {
  fields->append(std::to_string(value.size())).append(":").append(value);
}

}  // namespace

struct CopyTree::Node {
  Node* parent = nullptr;
  std::string name;
  PutObject object;                    // of one that is below and was not put: where it is there
  bool put = false;                    // an entry of the layer of its own
  bool inside = false;                 // something below it was put
  std::optional<LayerRef> below = {};  // the directory of the tree below that shows through
  std::map<std::string, Node*> children = {};

  FileType type() const { return object.attr.type; }
  void MarkPut() {
    put = true;
    for (Node* node = parent; node != nullptr && !node->inside; node = node->parent) {
      node->inside = true;
    }
  }
};

CopyTree::CopyTree(SourceTree* below, const Cancellation* cancel, std::optional<int64_t> epoch)
    : below_(below),
      cancel_(cancel),
      epoch_(epoch),
      root_(nodes_.emplace_back(std::make_unique<Node>()).get()) {
  if (below == nullptr) {
    root_->object.attr.type = FileType::kDirectory;
    root_->object.attr.mode = 0755;
    return;
  }
  const LayerObject root = below->layer().Root();
  root_->object = {root.attr, below, root.ref};
  root_->below = root.ref;
}

CopyTree::~CopyTree() = default;

bool CopyTree::IsDirectory(const Node& node) { return node.type() == FileType::kDirectory; }

std::string CopyTree::PathOf(const Node& node) {
  if (node.parent == nullptr) return "/";
  // Joined in one go: a tree may be deep.
  std::vector<const std::string*> names;
  size_t size = 0;
  for (const Node* at = &node; at->parent != nullptr; at = at->parent) {
    names.push_back(&at->name);
    size += at->name.size() + 1;
  }
  std::string path;
  path.reserve(size);
  for (auto name = names.rbegin(); name != names.rend(); ++name) path.append("/").append(**name);
  return path;
}

bool CopyTree::changed() const { return root_->put || root_->inside; }

Result<CopyTree::Node*> CopyTree::Child(Node* directory, const std::string& name) {
  if (const auto there = directory->children.find(name); there != directory->children.end()) {
    return there->second;
  }
  if (!directory->below) return nullptr;
  const Layer& layer = below_->layer();
  VENEER_TRY_CTX(const std::optional<LayerObject> found, layer.Lookup(*directory->below, name, 0),
                 PathOf(*directory) + "/" + name);
  if (!found || found->ref.id == Layer::kWhiteout) return nullptr;
  Node* const node = New(directory, name);
  node->object = {found->attr, below_, found->ref};
  if (found->attr.type == FileType::kDirectory) node->below = found->ref;
  return node;
}

CopyTree::Node* CopyTree::New(Node* directory, const std::string& name) {
  Node* const node = nodes_.emplace_back(std::make_unique<Node>()).get();
  node->parent = directory;
  node->name = name;
  return directory->children[name] = node;
}

CopyTree::Node* CopyTree::Make(Node* directory, const std::string& name, const NewDirectory& made) {
  Node* const node = New(directory, name);
  Attr& attr = node->object.attr;
  attr.type = FileType::kDirectory;
  attr.mode = made.mode;
  attr.uid = made.uid;
  attr.gid = made.gid;
  attr.mtime = made.time;
  node->MarkPut();
  return node;
}

Result<std::string> CopyTree::LinkTarget(const Node& node) const {
  VENEER_TRY_CTX(std::string target, node.object.tree->layer().ReadLink(node.object.ref),
                 PathOf(node));
  return target;
}

Result<CopyTree::Target> CopyTree::Locate(std::string_view path, const NewDirectory& made) {
  std::vector<std::string> todo;  // the last component first
  AddComponents(path, &todo);
  Node* at = root_;
  int links = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (name == "..") {
      if (at->parent != nullptr) at = at->parent;
      continue;
    }
    VENEER_TRY(Node * child, Child(at, name));
    if (child != nullptr && child->type() == FileType::kSymlink) {
      if (++links > kMaxSymlinks) return MakeError(Errno{ELOOP}, QuotedPath(path));
      VENEER_TRY(const std::string target, LinkTarget(*child));
      if (target.starts_with('/')) at = root_;
      AddComponents(target, &todo);
      continue;
    }
    if (todo.empty()) return Target{at, name, child};
    if (child == nullptr) child = Make(at, name, made);
    if (!IsDirectory(*child)) {
      return MakeError("cannot copy to " + QuotedPath(path) + ": " + QuotedPath(PathOf(*child)) +
                       " is not a directory");
    }
    at = child;
  }
  return Target{at, {}, at};
}

Result<CopyTree::Node*> CopyTree::Directory(std::string_view path, const NewDirectory& made) {
  VENEER_TRY(const Target target, Locate(path, made));
  if (target.object == nullptr) return Make(target.directory, target.name, made);
  if (IsDirectory(*target.object)) return target.object;
  return MakeError("cannot copy to " + QuotedPath(PathOf(*target.object)) +
                   ": it is not a directory");
}

Result<void> CopyTree::PutFile(Node* directory, const std::string& name, PutObject object,
                               OtherType other_type) {
  VENEER_TRY(Node * node, Child(directory, name));
  if (node == nullptr) {
    node = New(directory, name);
  } else if (IsDirectory(*node) && other_type == OtherType::kRefuse) {
    return MakeError("cannot replace the directory " + QuotedPath(PathOf(*node)) + " by a file");
  }
  node->object = std::move(object);
  node->below.reset();
  node->children.clear();
  node->MarkPut();
  return {};
}

Result<CopyTree::Node*> CopyTree::PutDirectory(Node* directory, const std::string& name,
                                               PutObject object, OtherType other_type) {
  VENEER_TRY(Node * node, Child(directory, name));
  if (node == nullptr) {
    node = New(directory, name);
  } else if (!IsDirectory(*node) && other_type == OtherType::kRefuse) {
    return MakeError("cannot copy a directory to " + QuotedPath(PathOf(*node)) +
                     ": it is not a directory");
  }
  node->object = std::move(object);
  node->MarkPut();
  return node;
}

Result<SourceEntry> CopyTree::EntryOf(const Node& node) const {
  const PutObject& object = node.object;
  SourceEntry entry{node.parent == nullptr ? "" : PathOf(node).substr(1), object.attr, {}};
  entry.key = object.key;
  if (epoch_ && node.put && entry.attr.mtime.sec >= *epoch_) entry.attr.mtime = {*epoch_, 0};
  if (object.tree == nullptr) return entry;
  const Layer& layer = object.tree->layer();
  if (object.attr.type != FileType::kRegular || object.tree->MayHaveXattrs(object.attr.ino)) {
    Sys<XattrList> xattrs = layer.ListXattrs(object.ref);
    if (!xattrs && xattrs.error().code != EOPNOTSUPP) return entry.Failed(xattrs.error());
    if (xattrs) entry.xattrs = ArchivedXattrs(*std::move(xattrs));
  }
  if (object.attr.type == FileType::kSymlink) {
    Sys<std::string> target = layer.ReadLink(object.ref);
    if (!target) return entry.Failed(target.error());
    entry.target = *std::move(target);
  }
  return entry;
}

Result<void> CopyTree::Visit(FunctionRef<Result<void>(const Node&)> visit) const {
  if (!changed()) return {};
  struct Level {
    const Node* node;
    std::map<std::string, Node*>::const_iterator next;
  };
  std::vector<Level> way;
  const auto enter = [&](const Node& node) -> Result<void> {
    VENEER_TRY_VOID(Cancellation::Check(cancel_));
    VENEER_TRY_VOID(visit(node));
    way.push_back({&node, node.children.begin()});
    return {};
  };
  VENEER_TRY_VOID(enter(*root_));
  while (!way.empty()) {
    Level& level = way.back();
    if (level.next == level.node->children.end()) {
      way.pop_back();
      continue;
    }
    const Node& child = *(level.next++)->second;
    if (child.put || child.inside) VENEER_TRY_VOID(enter(child));
  }
  return {};
}

Result<void> CopyTree::GiveNode(const Node& node, EntrySink& sink) {
  VENEER_TRY(const SourceEntry entry, EntryOf(node));
  return sink.Add(entry, [&]() -> Result<std::optional<SourceContent>> {
    const PutObject& object = node.object;
    if (object.tree != nullptr) return object.tree->Open(entry, object.ref);
    SourceContent content;
    content.content.keep = object.bytes;
    content.content.bytes = *object.bytes;
    return content;
  });
}

Result<void> CopyTree::Run(EntrySink& sink) {
  return Visit([&](const Node& node) { return GiveNode(node, sink); });
}

Result<std::string> CopyTree::ContentKeyOf(const Node& node, const SourceEntry& entry) {
  const PutObject& object = node.object;
  if (object.tree == nullptr) return "sha256:" + Sha256Hex(*object.bytes);
  return object.tree->ContentKey(entry, object.ref, cancel_);
}

Result<void> CopyTree::DescribeNode(const Node& node, uint64_t link, Sha256Stream* hash) {
  VENEER_TRY(const SourceEntry entry, EntryOf(node));
  const Attr& attr = entry.attr;
  std::string fields;  // hashed in one go: there may be many nodes
  AddField(entry.path, &fields);
  for (const uint64_t number : {uint64_t{attr.FullMode()}, uint64_t{attr.uid}, uint64_t{attr.gid},
                                uint64_t{attr.rdev_major}, uint64_t{attr.rdev_minor}, link}) {
    AddField(std::to_string(number), &fields);
  }
  AddField(entry.target, &fields);
  AddField(std::to_string(entry.xattrs.size()), &fields);
  for (const auto& [name, value] : entry.xattrs) {
    AddField(name, &fields);
    AddField(value, &fields);
  }
  if (attr.type == FileType::kRegular && attr.size > 0) {
    VENEER_TRY(const std::string content, ContentKeyOf(node, entry));
    AddField(content, &fields);
  }
  hash->Update(fields);
  return {};
}

// Many files of the host are hashed side by side, before each is told of.
Result<void> CopyTree::HashContents() {
  std::map<SourceTree*, std::vector<LayerObject>> files;
  VENEER_TRY_VOID(Visit([&](const Node& node) -> Result<void> {
    const PutObject& object = node.object;
    const bool hashed = node.put && object.tree != nullptr && object.tree->stored() == nullptr &&
                        object.attr.type == FileType::kRegular && object.attr.size > 0;
    if (hashed) files[object.tree].push_back({object.ref, object.attr, {}, {}});
    return {};
  }));
  for (const auto& [tree, objects] : files) {
    VENEER_TRY_VOID(tree->HashContents(objects, cancel_));
  }
  return {};
}

Result<void> CopyTree::Describe(Sha256Stream* hash) {
  VENEER_TRY_VOID(HashContents());
  // Inode numbers are those of the source, which may be another one the next time.
  std::map<TarLinkKey, uint64_t> links;
  return Visit([&](const Node& node) -> Result<void> {
    if (!node.put) return {};
    uint64_t link = 0;
    if (node.object.key) link = links.emplace(*node.object.key, links.size() + 1).first->second;
    return DescribeNode(node, link, hash);
  });
}

}  // namespace veneer
