// SPDX-License-Identifier: Apache-2.0
//
// DirLayer: a plain directory as a layer, in any whiteout dialect. Directories are reached one
// component at a time from a cached descriptor of their parent, so neither a symlink nor the length
// of a path matters, and mounts below the directory show.
#ifndef VENEER_LAYERDB_LAYER_DIR_LAYER_H_
#define VENEER_LAYERDB_LAYER_DIR_LAYER_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "layerdb/base/fd_cache.h"
#include "layerdb/base/sys.h"
#include "layerdb/layer/layer.h"
#include "layerdb/model/dialect.h"

namespace veneer {

struct DirLayerOptions {
  // ".wh.NAME" is a whiteout. Off for an upper directory that this project wrote, where it is a
  // file.
  bool aufs = true;
  // Which xattrs say something of the tree. nullopt: as the root tells.
  std::optional<PrivateNames> privates = std::nullopt;
  // Directory descriptors to keep.
  size_t fd_cache = 64;
};

class DirLayer : public Layer {
 public:
  // Fails with one line when `path` is not a directory that can be read.
  static Result<std::shared_ptr<DirLayer>> Open(const std::string& path, DirLayerOptions options);

  LayerObject Root() const override { return root_; }
  Sys<std::optional<LayerObject>> Lookup(const LayerRef& dir, std::string_view name,
                                         uint64_t hint) const override;
  Sys<void> List(const LayerRef& dir, FunctionRef<void(const LayerDirent&)> sink) const override;
  Sys<Attr> Stat(const LayerRef& ref) const override;
  Sys<std::optional<Timestamp>> BirthTime(const LayerRef& ref) const override;
  Sys<std::string> ReadLink(const LayerRef& ref) const override;
  Sys<Content> Open(const LayerRef& ref) const override;
  Sys<std::string> GetXattr(const LayerRef& ref, const std::string& name) const override;
  Sys<XattrList> ListXattrs(const LayerRef& ref) const override;
  Sys<struct statvfs> StatFs() const override;
  void LimitCached(unsigned percent) const override {
    dir_fds_.Limit(options_.fd_cache * percent / 100);
  }

  // The path of an object from the layer's root, "" for the root.
  std::string PathOf(const LayerRef& ref) const;
  // An O_PATH descriptor of the root; borrowed.
  int root_fd() const { return root_fd_->get(); }
  // Which xattrs of the directory say something of the tree.
  const PrivateNames& privates() const { return privates_; }

 private:
  struct PathNode;  // a name in a directory; what LayerRef::data is here
  struct Located;
  DirLayer(Fd root, dev_t device, const PrivateNames& privates, DirLayerOptions options);

  static const PathNode& NodeOf(const LayerRef& ref);
  Sys<SharedFd> DirFd(const PathNode& dir) const;
  Sys<Located> Locate(const LayerRef& ref) const;
  Sys<Attr> MakeAttr(sys::At at, const struct stat& st) const;
  uint64_t InoOf(dev_t device, uint64_t ino) const;

  const SharedFd root_fd_;
  const dev_t device_;
  const PrivateNames privates_;
  const DirLayerOptions options_;
  LayerObject root_;
  mutable FdCache dir_fds_;
  mutable std::atomic<uint64_t> next_key_{1};
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_LAYER_DIR_LAYER_H_
