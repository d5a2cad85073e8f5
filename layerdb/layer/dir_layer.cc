// SPDX-License-Identifier: Apache-2.0
#include "layerdb/layer/dir_layer.h"

#include <dirent.h>

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "layerdb/base/hash.h"
#include "layerdb/layer/marks.h"
#include "layerdb/model/dialect.h"

namespace veneer {

namespace {
// LayerDirent::hint where the listing has shown that there is no ".wh." file of the same name.
constexpr uint64_t kSeenAlone = 1;
}  // namespace

struct DirLayer::PathNode : LayerRef::Data {
  std::shared_ptr<const PathNode> parent;  // null: the root
  std::string name;
  uint64_t key = 0;              // of the descriptor cache; directories only
  bool xattr_whiteouts = false;  // a listing looks for files that are whiteouts by an xattr

  std::string Path() const {
    std::vector<const PathNode*> chain;
    for (const PathNode* p = this; p->parent; p = p->parent.get()) chain.push_back(p);
    std::string path;
    for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
      if (!path.empty()) path += '/';
      path += (*it)->name;
    }
    return path;
  }
};

// An object as the system calls want it; `fd` holds the directory open.
struct DirLayer::Located {
  SharedFd fd;
  const char* name;
  sys::At at() const { return {fd->get(), name}; }
};

DirLayer::DirLayer(Fd root, dev_t device, const PrivateNames& privates, DirLayerOptions options)
    : root_fd_(std::make_shared<const Fd>(std::move(root))),
      device_(device),
      privates_(privates),
      options_(options),
      dir_fds_(options.fd_cache) {}

Result<std::shared_ptr<DirLayer>> DirLayer::Open(const std::string& path, DirLayerOptions options) {
  const std::string what = "layer " + path;
  // A layer may be named by a symlink (containers-storage does), so this one open follows it.
  VENEER_TRY_CTX(Fd root, sys::OpenFollowing(path, O_PATH | O_DIRECTORY), what);
  VENEER_TRY_CTX(const Fd readable, sys::Open({root.get()}, O_RDONLY | O_DIRECTORY), what);
  VENEER_TRY_CTX(const struct stat st, sys::Stat({root.get()}), what);
  const TreeNotation notation = NotationOf({root.get()});
  if (!notation.upper.empty()) options.aufs = false;

  std::shared_ptr<DirLayer> layer(new DirLayer(
      std::move(root), st.st_dev, options.privates.value_or(notation.privates), options));
  auto node = std::make_shared<PathNode>();
  node->key = 0;
  layer->root_.ref.data = node;
  const sys::At at{layer->root_fd_->get()};
  VENEER_TRY_CTX(layer->root_.attr, layer->MakeAttr(at, st), what);
  VENEER_TRY_CTX(layer->root_.marks, ReadMarks(at, st, layer->privates_, options.aufs, ""), what);
  node->xattr_whiteouts = layer->root_.marks.xattr_whiteouts;
  layer->root_.marks.redirect.reset();  // there is nothing a root could be redirected to
  return layer;
}

const DirLayer::PathNode& DirLayer::NodeOf(const LayerRef& ref) {
  return static_cast<const PathNode&>(*ref.data);
}

std::string DirLayer::PathOf(const LayerRef& ref) const { return NodeOf(ref).Path(); }

uint64_t DirLayer::InoOf(dev_t device, uint64_t ino) const {
  if (device == device_) return ino;
  // Something is mounted below the layer: its numbers are not ours.
  const uint64_t pair[2] = {device, ino};
  return Xxh64({reinterpret_cast<const char*>(pair), sizeof pair}) | (uint64_t{1} << 63);
}

Sys<Attr> DirLayer::MakeAttr(sys::At at, const struct stat& st) const {
  Attr attr = AttrFromStat(st);
  attr.ino = InoOf(st.st_dev, st.st_ino);
  if (privates_.override_stat != nullptr) ApplyOverrideStat(at, privates_.override_stat, attr);
  return attr;
}

Sys<SharedFd> DirLayer::DirFd(const PathNode& dir) const {
  // Up to the nearest directory that is open, then down again.
  std::vector<const PathNode*> closed;
  SharedFd fd;
  const PathNode* node = &dir;
  for (; node->parent; node = node->parent.get()) {
    fd = dir_fds_.Get(node->key);
    if (fd) break;
    closed.push_back(node);
  }
  if (!fd) fd = root_fd_;
  for (auto it = closed.rbegin(); it != closed.rend(); ++it) {
    VENEER_TRY(Fd next, sys::Open({fd->get(), (*it)->name.c_str()}, O_PATH | O_DIRECTORY));
    fd = dir_fds_.Put((*it)->key, std::move(next));
  }
  return fd;
}

Sys<DirLayer::Located> DirLayer::Locate(const LayerRef& ref) const {
  const PathNode& node = NodeOf(ref);
  if (!node.parent) return Located{root_fd_, ""};
  VENEER_TRY(SharedFd dir, DirFd(*node.parent));
  return Located{std::move(dir), node.name.c_str()};
}

Sys<std::optional<LayerObject>> DirLayer::Lookup(const LayerRef& dir, std::string_view name,
                                                 uint64_t hint) const {
  if (name.size() > kMaxName) return Fail(ENAMETOOLONG);
  auto parent = std::static_pointer_cast<const PathNode>(dir.data);
  VENEER_TRY(const SharedFd fd, DirFd(*parent));
  LayerObject whiteout;
  whiteout.ref.id = kWhiteout;
  std::string text(name);
  if (options_.aufs && name.starts_with(kWhiteoutPrefix)) return std::nullopt;
  // OCI image-spec, layer.md: a ".wh." file speaks of the layers below only, so an object beside it
  // stands.
  auto deleted_below = [&] {
    if (!options_.aufs || hint == kSeenAlone) return false;
    const std::string marker = std::string(kWhiteoutPrefix) + text;
    return marker.size() <= kMaxName && sys::Stat({fd->get(), marker.c_str()}).has_value();
  };
  const sys::At at{fd->get(), text.c_str()};
  const auto st = sys::Stat(at);
  if (!st) {
    if (st.error().code != ENOENT) return Fail(st.error());
    if (deleted_below()) return whiteout;
    return std::nullopt;
  }
  if (IsDeviceWhiteout(*st)) return whiteout;
  if (IsXattrWhiteout(at, *st, privates_)) return whiteout;
  LayerObject object;
  VENEER_TRY(object.attr, MakeAttr(at, *st));
  // An empty file has no contents to look for below, so here its marks do not matter.
  if (S_ISDIR(st->st_mode) || (MayBeMetacopy(*st) && st->st_size > 0)) {
    Sys<Marks> marks = ReadMarks(at, *st, privates_, options_.aufs, parent->Path());
    // What may not be read shows with its attributes all the same, as everywhere; what is in it
    // does not.
    if (!marks && marks.error().code != EACCES) return Fail(marks.error());
    if (marks) object.marks = *std::move(marks);
  }
  if (S_ISDIR(st->st_mode) && !object.marks.opaque) object.marks.opaque = deleted_below();
  auto node = std::make_shared<PathNode>();
  node->parent = std::move(parent);
  node->name = std::move(text);
  node->xattr_whiteouts = object.marks.xattr_whiteouts;
  if (S_ISDIR(st->st_mode)) node->key = next_key_.fetch_add(1, std::memory_order_relaxed);
  object.ref.data = std::move(node);
  return object;
}

namespace {
// For reading, without marking the time of access where that is allowed: to the owner and to root.
Sys<Fd> OpenUnmarked(sys::At at, int flags) {
  Sys<Fd> fd = sys::Open(at, O_RDONLY | O_NOATIME | flags);
  if (!fd && fd.error().code == EPERM) fd = sys::Open(at, O_RDONLY | flags);
  return fd;
}
}  // namespace

Sys<void> DirLayer::List(const LayerRef& dir, FunctionRef<void(const LayerDirent&)> sink) const {
  VENEER_TRY(const Located located, Locate(dir));
  VENEER_TRY(Fd opened, OpenUnmarked(located.at(), O_DIRECTORY));
  const PathNode& node = NodeOf(dir);
  struct Named {
    std::string name;
    uint64_t ino;
    uint8_t type;
  };
  std::vector<Named> objects;
  std::unordered_set<std::string> deleted;
  VENEER_TRY_VOID(sys::ReadDir(opened.get(), [&](const sys::Dirent& raw) {
    const std::string_view name = raw.name;
    if (!options_.aufs || !name.starts_with(kWhiteoutPrefix)) {
      objects.push_back({std::string(name), raw.ino, raw.type});
    } else if (name != kOpaqueName && name.size() > kWhiteoutPrefix.size()) {
      deleted.emplace(name.substr(kWhiteoutPrefix.size()));
    }
  }));
  // The lookups that follow go through the same descriptor.
  const SharedFd fd = node.parent ? dir_fds_.Put(node.key, std::move(opened)) : root_fd_;
  // As in an index. What comes next in a listing is then what comes next by name too, and files
  // that were unpacked from an archive lie on disk much in this order.
  std::sort(objects.begin(), objects.end(),
            [](const Named& a, const Named& b) { return a.name < b.name; });
  for (const Named& object : objects) {
    LayerDirent entry;
    entry.name = object.name;
    entry.ino = object.ino;
    const bool alone = deleted.erase(object.name) == 0;
    entry.hint = alone ? kSeenAlone : 0;
    uint32_t mode = static_cast<uint32_t>(object.type) << 12;
    const bool look = object.type == DT_UNKNOWN || object.type == DT_CHR ||
                      privates_.override_stat != nullptr ||
                      (node.xattr_whiteouts && object.type == DT_REG);
    if (look) {
      const sys::At at{fd->get(), object.name.c_str()};
      VENEER_TRY(const struct stat st, sys::Stat(at));
      entry.whiteout =
          IsDeviceWhiteout(st) || (node.xattr_whiteouts && IsXattrWhiteout(at, st, privates_));
      VENEER_TRY(const Attr attr, MakeAttr(at, st));
      mode = attr.FullMode();
      entry.ino = attr.ino;
    }
    entry.type = TypeFromMode(mode);
    sink(entry);
  }
  for (const std::string& name : deleted) {
    LayerDirent entry;
    entry.name = name;
    entry.whiteout = true;
    sink(entry);
  }
  return {};
}

Sys<Attr> DirLayer::Stat(const LayerRef& ref) const {
  VENEER_TRY(const Located located, Locate(ref));
  VENEER_TRY(const struct stat st, sys::Stat(located.at()));
  return MakeAttr(located.at(), st);
}

Sys<std::optional<Timestamp>> DirLayer::BirthTime(const LayerRef& ref) const {
  VENEER_TRY(const Located located, Locate(ref));
  return ReadBirthTime(located.at());
}

Sys<std::string> DirLayer::ReadLink(const LayerRef& ref) const {
  VENEER_TRY(const Located located, Locate(ref));
  return sys::ReadLink(located.at());
}

Sys<Content> DirLayer::Open(const LayerRef& ref) const {
  VENEER_TRY(const Located located, Locate(ref));
  // O_NONBLOCK: should the file have become a fifo, nobody waits for a writer.
  VENEER_TRY(Fd fd, OpenUnmarked(located.at(), O_NONBLOCK));
  return Content{std::move(fd), {}, nullptr};
}

Sys<std::string> DirLayer::GetXattr(const LayerRef& ref, const std::string& name) const {
  VENEER_TRY(const Located located, Locate(ref));
  return ReadUserXattr(located.at(), name, privates_);
}

Sys<XattrList> DirLayer::ListXattrs(const LayerRef& ref) const {
  VENEER_TRY(const Located located, Locate(ref));
  return ReadUserXattrs(located.at(), privates_);
}

Sys<struct statvfs> DirLayer::StatFs() const { return sys::StatVfs(root_fd_->get()); }

}  // namespace veneer
