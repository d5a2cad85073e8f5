// SPDX-License-Identifier: Apache-2.0
#include "tools/build/source_tree.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "layerdb/base/hash.h"
#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{256} << 10;

std::string PathTo(const std::vector<LocatedObject>& way) {
  std::string path;
  for (size_t i = 1; i < way.size(); ++i) path += (i > 1 ? "/" : "") + way[i].path;
  return path;
}

Result<std::string> HashFile(int fd, const SourceEntry& entry) {
  Sha256Stream hash;
  std::string buffer(kReadSize, '\0');
  for (uint64_t offset = 0;;) {
    const Sys<size_t> got = sys::ReadAt(fd, buffer.data(), buffer.size(), offset);
    if (!got) return entry.Failed(got.error());
    if (*got == 0) return "sha256:" + hash.FinishHex();
    hash.Update({buffer.data(), *got});
    offset += *got;
  }
}

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
  VENEER_TRY(tree->layer_, DirLayer::Open(path, options));
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

Result<std::string> SourceTree::ContentKey(const SourceEntry& entry, const LayerRef& ref) {
  if (indexed_ != nullptr) {
    const Sys<std::optional<IndexedLayer::StoredContent>> stored = indexed_->StoredContentOf(ref);
    if (!stored) return entry.Failed(stored.error());
    // Of a part of a pack nothing but the pack has a name.
    if (*stored && (*stored)->whole) return ObjectPath((*stored)->object);
  }
  VENEER_TRY(const SourceContent content, Open(entry, ref));
  if (content.fd() >= 0) return HashFile(content.fd(), entry);
  return "sha256:" + Sha256Hex(content.content.bytes);
}

}  // namespace veneer
