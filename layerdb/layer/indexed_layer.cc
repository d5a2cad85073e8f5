// SPDX-License-Identifier: Apache-2.0
#include "layerdb/layer/indexed_layer.h"

#include <fcntl.h>

#include <algorithm>

#include "layerdb/base/sys.h"

namespace veneer {
namespace {

LayerObject ToObject(uint64_t position, const EntryView& entry) {
  LayerObject object;
  if (entry.whiteout()) {
    object.ref.id = Layer::kWhiteout;
    return object;
  }
  object.ref.id = position;
  object.attr = entry.attr();
  object.marks.opaque = entry.opaque();
  object.marks.implied = entry.implied();
  return object;
}

}  // namespace

IndexedLayer::IndexedLayer(std::shared_ptr<IndexReader> index, Fd objects)
    : index_(std::move(index)), objects_(std::move(objects)) {}

Result<std::shared_ptr<IndexedLayer>> IndexedLayer::Open(const std::string& index_file,
                                                         const std::string& objects_dir) {
  VENEER_TRY(std::shared_ptr<IndexReader> index, IndexReader::Open(index_file));
  Fd objects;
  if (!objects_dir.empty()) {
    VENEER_TRY_CTX(objects, sys::OpenFollowing(objects_dir, O_PATH | O_DIRECTORY),
                   "objects directory " + objects_dir);
  }
  return std::shared_ptr<IndexedLayer>(new IndexedLayer(std::move(index), std::move(objects)));
}

// A record that is a real object. A LayerRef is only made from one, so anything else is damage.
Sys<EntryView> IndexedLayer::Entry(const LayerRef& ref) const {
  VENEER_TRY(const EntryView entry, index_->At(ref.id));
  if (entry.whiteout()) return Fail(EIO);
  return entry;
}

Sys<std::optional<IndexedLayer::StoredContent>> IndexedLayer::StoredContentOf(
    const LayerRef& ref) const {
  VENEER_TRY(const EntryView entry, Entry(ref));
  const std::optional<ObjectRef> object = entry.object();
  if (!object) return std::nullopt;
  return StoredContent{*object, entry.size(), !entry.slice()};
}

Sys<Fd> IndexedLayer::OpenObject(const ObjectRef& object) const {
  if (!objects_) return Fail(ENOENT);
  // No access time is kept of an object, so that reading an image writes nothing.
  const std::string path = ObjectPath(object);
  const sys::At at{objects_.get(), path.c_str()};
  Sys<Fd> fd = sys::Open(at, O_RDONLY | O_NONBLOCK | O_NOATIME);
  if (!fd && fd.error().code == EPERM) fd = sys::Open(at, O_RDONLY | O_NONBLOCK);  // another's file
  if (fd) return fd;
  // A symlink, a socket: what is in the place of an object is damage, and no ELOOP or ENXIO of the
  // file that is read.
  if (fd.error().code == ELOOP || fd.error().code == ENXIO) return Fail(EIO);
  return fd;
}

Sys<SharedFd> IndexedLayer::SharedObject(const ObjectRef& object) const {
  {
    const MutexLock lock(shared_mutex_);
    const auto open = shared_objects_.find(object);
    if (open != shared_objects_.end()) return open->second;
  }
  VENEER_TRY(Fd opened, OpenObject(object));
  VENEER_TRY(const struct stat st, sys::Stat({opened.get()}));
  if (!S_ISREG(st.st_mode)) return Fail(EIO);
  auto fd = std::make_shared<const Fd>(std::move(opened));
  const MutexLock lock(shared_mutex_);
  if (most_shared_ == 0) return fd;
  // Which one goes is a matter of hashes, and so of chance.
  if (shared_objects_.size() >= most_shared_) shared_objects_.erase(shared_objects_.begin());
  shared_objects_.insert_or_assign(object, fd);
  return fd;
}

Sys<Content> IndexedLayer::ReadSlice(const EntryView& entry, const ObjectRef& object,
                                     uint64_t offset) const {
  // Larger ones are objects of their own; a damaged index must not make this take all memory.
  constexpr uint64_t kMost = uint64_t{1} << 20;
  if (entry.size() > kMost) return Fail(EIO);
  VENEER_TRY(const SharedFd fd, SharedObject(object));
  auto bytes = std::make_shared<std::string>(entry.size(), '\0');
  VENEER_TRY(const size_t read, sys::ReadAt(fd->get(), bytes->data(), bytes->size(), offset));
  if (read < bytes->size()) return Fail(EIO);  // the object was cut short
  Content content;
  content.bytes = *bytes;
  content.keep = std::move(bytes);
  return content;
}

LayerObject IndexedLayer::Root() const {
  const IndexReader::Record root = index_->Root();
  return ToObject(root.position, root.entry);
}

Sys<std::optional<LayerObject>> IndexedLayer::Lookup(const LayerRef& dir, std::string_view name,
                                                     uint64_t hint) const {
  if (hint != 0) {
    VENEER_TRY(const EntryView entry, index_->At(hint));
    return ToObject(hint, entry);
  }
  VENEER_TRY(const EntryView parent, Entry(dir));
  if (parent.type() != FileType::kDirectory) return Fail(ENOTDIR);
  VENEER_TRY(const std::optional<IndexReader::Record> found, index_->Find(parent.ino(), name));
  if (!found) return std::nullopt;
  return ToObject(found->position, found->entry);
}

Sys<void> IndexedLayer::List(const LayerRef& dir,
                             FunctionRef<void(const LayerDirent&)> sink) const {
  VENEER_TRY(const EntryView parent, Entry(dir));
  if (parent.type() != FileType::kDirectory) return Fail(ENOTDIR);
  return index_->List(parent.ino(), [&](std::string_view name, const IndexReader::Record& found) {
    LayerDirent dirent;
    dirent.name = name;
    dirent.whiteout = found.entry.whiteout();
    dirent.hint = found.position;
    if (!dirent.whiteout) {
      dirent.type = found.entry.type();
      dirent.ino = found.entry.ino();
    }
    sink(dirent);
    return true;
  });
}

Sys<Attr> IndexedLayer::Stat(const LayerRef& ref) const {
  VENEER_TRY(const EntryView entry, Entry(ref));
  return entry.attr();
}

Sys<std::string> IndexedLayer::ReadLink(const LayerRef& ref) const {
  VENEER_TRY(const EntryView entry, Entry(ref));
  if (entry.type() != FileType::kSymlink) return Fail(EINVAL);
  return std::string(entry.inline_bytes());
}

Sys<Content> IndexedLayer::Open(const LayerRef& ref) const {
  VENEER_TRY(const EntryView entry, Entry(ref));
  if (entry.type() == FileType::kDirectory) return Fail(EISDIR);
  if (entry.type() != FileType::kRegular) return Fail(EINVAL);
  Content content;
  const std::optional<ObjectRef> object = entry.object();
  if (!object) {
    content.bytes = entry.inline_bytes();
    return content;
  }
  if (const auto offset = entry.slice()) return ReadSlice(entry, *object, *offset);
  VENEER_TRY(content.fd, OpenObject(*object));
  VENEER_TRY(const struct stat st, sys::Stat({content.fd.get()}));
  if (!S_ISREG(st.st_mode) || static_cast<uint64_t>(st.st_size) != entry.size()) return Fail(EIO);
  return content;
}

std::optional<uint64_t> IndexedLayer::KnownSize(const LayerRef& ref) const {
  const Sys<EntryView> entry = Entry(ref);
  if (!entry) return std::nullopt;
  return entry->size();
}

Sys<std::string> IndexedLayer::GetXattr(const LayerRef& ref, const std::string& name) const {
  VENEER_TRY(const EntryView entry, Entry(ref));
  const std::optional<std::string_view> value = entry.FindXattr(name);
  if (!value) return Fail(ENODATA);
  return std::string(*value);
}

Sys<XattrList> IndexedLayer::ListXattrs(const LayerRef& ref) const {
  VENEER_TRY(const EntryView entry, Entry(ref));
  XattrList list;
  entry.ForEachXattr(
      [&](std::string_view name, std::string_view value) { list.emplace_back(name, value); });
  return list;
}

std::optional<std::vector<std::string>> IndexedLayer::PathsOfIno(uint64_t ino) const {
  const Sys<std::vector<IndexReader::NameOf>> names = index_->NamesOf(ino);
  if (!names) return std::nullopt;
  std::vector<std::string> paths;
  for (const IndexReader::NameOf& name : *names) {
    Sys<std::string> dir = index_->PathOfDirectory(name.dir);
    if (!dir) return std::nullopt;
    paths.push_back(dir->empty() ? std::string(name.name)
                                 : std::move(*dir) + "/" + std::string(name.name));
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

void IndexedLayer::LimitCached(unsigned percent) const {
  decltype(shared_objects_) dropped;  // closed after the lock is released
  const MutexLock lock(shared_mutex_);
  most_shared_ = kMostShared * percent / 100;
  if (shared_objects_.size() > most_shared_) dropped.swap(shared_objects_);
}

Sys<struct statvfs> IndexedLayer::StatFs() const {
  if (!objects_) return Fail(ENOENT);
  return sys::StatVfs(objects_.get());
}

}  // namespace veneer
