// SPDX-License-Identifier: Apache-2.0
//
// IndexedLayer: a Layer in a sealed index, with the contents of its files in the index itself or in
// the store's objects. The index of one layer shows its marks; a merged tree has none.
//
// LayerRef::id is the position of the record in the memory map. Whatever is found once (by a
// listing or a lookup) is read again without a search, and a listing gives type, inode number and
// position from one range scan.
#ifndef VENEER_LAYERDB_LAYER_INDEXED_LAYER_H_
#define VENEER_LAYERDB_LAYER_INDEXED_LAYER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/fd_cache.h"
#include "layerdb/base/mutex.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/layer/layer.h"

namespace veneer {

class IndexedLayer : public Layer {
 public:
  // Opens and verifies the index. `objects_dir` is the store's objects directory; it is needed only
  // when a file has its contents there, so an empty string is allowed and makes opening such a file
  // fail with ENOENT.
  static Result<std::shared_ptr<IndexedLayer>> Open(const std::string& index_file,
                                                    const std::string& objects_dir);

  // True when there are no marks: a merged tree, or a layer that deletes nothing. It may then stand
  // as a tree by itself.
  bool is_tree() const { return index_->is_tree(); }
  const IndexReader& index() const { return *index_; }
  // The object that holds the contents of a file; nullopt where they are in the index, and for
  // other types.
  struct StoredContent {
    ObjectRef object;
    uint64_t size = 0;   // of the contents
    bool whole = false;  // they are all of the object; else it holds others, too
  };
  Sys<std::optional<StoredContent>> StoredContentOf(const LayerRef& ref) const;
  // Not waited for and not followed: EIO for a symlink and a socket; whether it is a regular file
  // is the caller's to see.
  Sys<Fd> OpenObject(const ObjectRef& object) const;

  LayerObject Root() const override;
  Sys<std::optional<LayerObject>> Lookup(const LayerRef& dir, std::string_view name,
                                         uint64_t hint) const override;
  Sys<void> List(const LayerRef& dir, FunctionRef<void(const LayerDirent&)> sink) const override;
  bool names_persist() const override { return true; }
  Sys<Attr> Stat(const LayerRef& ref) const override;
  Sys<std::string> ReadLink(const LayerRef& ref) const override;
  // EIO also where the object has another size than the index says: it was cut short, and would
  // read as zeros.
  Sys<Content> Open(const LayerRef& ref) const override;
  std::optional<uint64_t> KnownSize(const LayerRef& ref) const override;
  Sys<std::string> GetXattr(const LayerRef& ref, const std::string& name) const override;
  Sys<XattrList> ListXattrs(const LayerRef& ref) const override;
  Sys<struct statvfs> StatFs() const override;
  void LimitCached(unsigned percent) const override;
  std::optional<std::vector<std::string>> PathsOfIno(uint64_t ino) const override;

 private:
  IndexedLayer(std::shared_ptr<IndexReader> index, Fd objects);
  Sys<EntryView> Entry(const LayerRef& ref) const;
  Sys<SharedFd> SharedObject(const ObjectRef& object) const;
  // Contents that lie in an object with others.
  Sys<Content> ReadSlice(const EntryView& entry, const ObjectRef& object, uint64_t offset) const;

  const std::shared_ptr<IndexReader> index_;
  const Fd objects_;  // O_PATH
  // Descriptors of objects that hold many contents: one for each layer of nearly every image.
  static constexpr size_t kMostShared = 128;
  mutable Mutex shared_mutex_;
  mutable size_t most_shared_ GUARDED_BY(shared_mutex_) = kMostShared;
  mutable std::map<ObjectRef, SharedFd> shared_objects_ GUARDED_BY(shared_mutex_);
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_LAYER_INDEXED_LAYER_H_
