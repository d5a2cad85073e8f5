// SPDX-License-Identifier: Apache-2.0
#include "tools/build/source_tree.h"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "layerdb/base/hash.h"
#include "layerdb/base/sys.h"
#include "layerdb/threads/at_once.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{256} << 10;
// What one thread hashes before it looks whether the build is to end.
constexpr size_t kFilesAtOnce = 64;

std::string PathTo(const std::vector<LocatedObject>& way) {
  std::string path;
  for (size_t i = 1; i < way.size(); ++i) path += (i > 1 ? "/" : "") + way[i].path;
  return path;
}

// 64 hex digits. `size`: what the file is believed to have. ECANCELED.
Sys<std::string> HashFile(int fd, uint64_t size, const Cancellation* cancel) {
  Sha256Stream hash;
  // One byte more than the file, so that one read finds its end.
  std::string buffer(std::min<uint64_t>(size + 1, kReadSize), '\0');
  for (uint64_t offset = 0;;) {
    if (cancel != nullptr && cancel->requested()) return Fail(ECANCELED);
    VENEER_TRY(const size_t got, sys::ReadAt(fd, buffer.data(), buffer.size(), offset));
    hash.Update({buffer.data(), got});
    offset += got;
    if (got < buffer.size()) return hash.FinishHex();
  }
}

// The inode of a file, as far as the layer's file system is the only one there.
FileState StateOf(uint64_t device, const LayerObject& file) { return {device, file.attr}; }

}  // namespace

void AddComponents(std::string_view path, std::vector<std::string>* todo) {
  const size_t end = todo->size();
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (!name.empty() && name != ".") todo->emplace_back(name);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  std::reverse(todo->begin() + static_cast<std::ptrdiff_t>(end), todo->end());
}

Result<std::optional<LocatedObject>> LocateIn(const Layer& layer, std::string_view path,
                                              LastLink last) {
  // The objects on the way with their names, the root first.
  std::vector<LocatedObject> way = {{"", layer.Root()}};
  std::vector<std::string> todo;
  AddComponents(path, &todo);
  int links = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (name == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    if (way.back().object.attr.type != FileType::kDirectory) return std::nullopt;
    VENEER_TRY_CTX(std::optional<LayerObject> found, layer.Lookup(way.back().object.ref, name, 0),
                   "look up " + std::string(path));
    if (!found || found->ref.id == Layer::kWhiteout) return std::nullopt;
    if (found->attr.type == FileType::kSymlink && (!todo.empty() || last == LastLink::kFollow)) {
      if (++links > kMaxSymlinks) return MakeError(Errno{ELOOP}, std::string(path));
      VENEER_TRY_CTX(const std::string target, layer.ReadLink(found->ref), std::string(path));
      if (target.starts_with('/')) way.resize(1);
      AddComponents(target, &todo);
      continue;
    }
    way.push_back({name, *std::move(found)});
  }
  return LocatedObject{PathTo(way), std::move(way.back().object)};
}

Result<std::unique_ptr<SourceTree>> SourceTree::OfDirectory(const std::string& path) {
  DirLayerOptions options;
  options.aufs = false;
  options.privates = PrivateNames{.trusted = false, .user = false, .fuse_overlayfs = false};
  std::unique_ptr<SourceTree> tree(new SourceTree);
  VENEER_TRY(const std::shared_ptr<DirLayer> layer, DirLayer::Open(path, options));
  VENEER_TRY_CTX(const struct stat st, sys::Stat({layer->root_fd()}), path);
  tree->layer_ = layer;
  tree->device_ = st.st_dev;
  return tree;
}

Result<std::unique_ptr<SourceTree>> SourceTree::OfIndex(const Store& store,
                                                        const std::string& index_file) {
  std::unique_ptr<SourceTree> tree(new SourceTree);
  VENEER_TRY(tree->indexed_, IndexedLayer::Open(index_file, store.layout().objects()));
  tree->layer_ = tree->indexed_;
  tree->contents_.emplace(*tree->indexed_, store.objects());
  return tree;
}

Result<SourceContent> SourceTree::Open(const SourceEntry& entry, const LayerRef& ref) {
  if (contents_) return contents_->Open(entry, ref);
  Sys<Content> content = layer_->Open(ref);
  if (!content) return entry.Failed(content.error());
  return SourceContent{*std::move(content)};
}

Result<void> SourceTree::HashContents(std::span<const LayerObject> files,
                                      const Cancellation* cancel) {
  std::vector<FileState> states;
  for (const LayerObject& file : files) states.push_back(StateOf(device_, file));
  std::vector<std::optional<KnownContent>> known(files.size());
  if (hashes_ != nullptr) known = hashes_->Find(states);
  std::vector<size_t> unknown;
  for (size_t i = 0; i < files.size(); ++i) {
    if (!known[i]) unknown.push_back(i);
  }
  const Timestamp now = Now();
  Cancellation stop(cancel);
  const size_t chunks = (unknown.size() + kFilesAtOnce - 1) / kFilesAtOnce;
  VENEER_TRY_VOID(RunAtOnce(
      chunks, std::thread::hardware_concurrency(), stop, [&](size_t chunk) -> Result<void> {
        const size_t end = std::min(unknown.size(), (chunk + 1) * kFilesAtOnce);
        for (size_t i = chunk * kFilesAtOnce; i < end; ++i) {
          const LayerObject& file = files[unknown[i]];
          const Sys<Content> content = layer_->Open(file.ref);
          if (!content || !content->fd) continue;
          Sys<std::string> hash = HashFile(content->fd.get(), file.attr.size, &stop);
          const Sys<XattrList> xattrs = layer_->ListXattrs(file.ref);
          if (hash) known[unknown[i]] = KnownContent{*std::move(hash), !xattrs || !xattrs->empty()};
          VENEER_TRY_VOID(Cancellation::Check(&stop));
        }
        return {};
      }));
  std::vector<std::pair<FileState, KnownContent>> learnt;
  for (const size_t i : unknown) {
    if (known[i]) learnt.emplace_back(states[i], *known[i]);
  }
  if (hashes_ != nullptr) hashes_->Learn(learnt, now);
  for (size_t i = 0; i < files.size(); ++i) {
    if (known[i]) known_[files[i].attr.ino] = *std::move(known[i]);
  }
  return {};
}

Result<std::string> SourceTree::ContentKey(const SourceEntry& entry, const LayerRef& ref,
                                           const Cancellation* cancel) {
  if (indexed_ != nullptr) {
    const Sys<std::optional<IndexedLayer::StoredContent>> stored = indexed_->StoredContentOf(ref);
    if (!stored) return entry.Failed(stored.error());
    // Of a part of a pack nothing but the pack has a name.
    if (*stored && (*stored)->whole) return ObjectPath((*stored)->object);
  }
  if (const auto known = known_.find(entry.attr.ino); known != known_.end()) {
    return "sha256:" + known->second.hash;
  }
  VENEER_TRY(const SourceContent content, Open(entry, ref));
  if (content.fd() >= 0) {
    const Sys<std::string> hash = HashFile(content.fd(), entry.attr.size, cancel);
    if (!hash) return entry.Failed(hash.error());
    return "sha256:" + *hash;
  }
  return "sha256:" + Sha256Hex(content.content.bytes);
}

bool SourceTree::MayHaveXattrs(uint64_t ino) const {
  const auto known = known_.find(ino);
  return known == known_.end() || known->second.has_xattrs;
}

}  // namespace veneer
