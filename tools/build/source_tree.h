// SPDX-License-Identifier: Apache-2.0
//
// SourceTree: what COPY and ADD take files from: the build context, another stage or image, or an
// archive that was read into a layer. Names are looked up inside of the tree alone: a symlink, and
// "..", end at its root, whatever they say (CVE-2018-15664, CVE-2024-23651).
#ifndef VENEER_TOOLS_BUILD_SOURCE_TREE_H_
#define VENEER_TOOLS_BUILD_SOURCE_TREE_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/store/store.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/entry_source.h"
#include "tools/build/content_hashes.h"

namespace veneer {

// An object of a tree, and its path there after all symlinks (no slash in front; "" is the root).
struct LocatedObject {
  std::string path;
  LayerObject object;
};

// So many symlinks in one path (path_resolution(7)).
inline constexpr int kMaxSymlinks = 40;
// Adds the components of a path to those that are still to be walked, of which the next one is the
// last.
void AddComponents(std::string_view path, std::vector<std::string>* todo);

enum class LastLink { kFollow, kKeep };

// Looks `path` up in `layer` as a process would whose root is the layer's. nullopt: nothing is
// there. Errors: more than 40 symlinks (ELOOP), what the layer's file system says.
Result<std::optional<LocatedObject>> LocateIn(const Layer& layer, std::string_view path,
                                              LastLink last);

// Not thread-safe; several threads each open one of their own.
class SourceTree {
 public:
  // A directory of the host, as it is: nothing in it is a whiteout or a mark.
  static Result<std::unique_ptr<SourceTree>> OfDirectory(const std::string& path);
  // A merged tree or a layer of the store, by the file of its index. The store outlives it.
  static Result<std::unique_ptr<SourceTree>> OfIndex(const Store& store,
                                                     const std::string& index_file);

  const Layer& layer() const { return *layer_; }
  // Null: a directory of the host.
  const IndexedLayer* stored() const { return indexed_.get(); }
  // The contents of the regular file `ref`; `entry` is for errors.
  Result<SourceContent> Open(const SourceEntry& entry, const LayerRef& ref);
  // Remembers hashes there from now on. `hashes` outlives this.
  void UseHashes(ContentHashes* hashes) { hashes_ = hashes; }
  // Hashes files of the host, for ContentKey() and MayHaveXattrs(): several at once, and those that
  // are known not at all. What cannot be read is left to ContentKey(). ECANCELED.
  Result<void> HashContents(std::span<const LayerObject> files, const Cancellation* cancel);
  // What tells the contents of the regular file `ref` from others, for the cache of a build: the
  // SHA-256 of a file of the host, and of a file of the store the name of its object, which is not
  // read. `cancel` may be null; ECANCELED.
  Result<std::string> ContentKey(const SourceEntry& entry, const LayerRef& ref,
                                 const Cancellation* cancel);
  // False: the regular file of this inode of the host had none when HashContents() looked at it.
  bool MayHaveXattrs(uint64_t ino) const;

 private:
  SourceTree() = default;

  std::shared_ptr<const Layer> layer_;
  std::shared_ptr<const IndexedLayer> indexed_;
  std::optional<StoredContents> contents_;  // of indexed_
  uint64_t device_ = 0;                     // of a directory of the host
  ContentHashes* hashes_ = nullptr;
  std::unordered_map<uint64_t, KnownContent> known_;  // by the number of the inode
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_SOURCE_TREE_H_
