// SPDX-License-Identifier: Apache-2.0
//
// The names of everything inside a store directory. Values only.
//
//   veneer-store           "veneer store, format 1\n"; a store of another format is refused
//   lock                   flock: shared by every writer, exclusive while prune decides what is
//                          garbage
//   catalog/               images, tags, containers
//   layers/<diff id hex>/  index, recipe (the tar-split); `damaged` where fsck found it so
//   trees/<chain id hex>   merged trees; may be deleted at any time. With ".NUMBER": one that was
//                          made of layers which have been replaced, for mounts that still use it;
//                          keeps its objects from prune
//   objects/ab/cdef…       file contents
//   slices/                where small contents lie (pack_index.h)
//   blobs/sha256/<hex>     OCI documents and kept compressed layers
//   containers/<name>/     upper/, work/, state; `owner` of a throw-away one; lease.h tells which
//                          evidence of use is believed
//   caches/<key hex>/      `data` of a cache of builds, and the `id` that people gave it
//   content-hashes/        of files of build contexts, by what stat(2) says of them; may be deleted
//                          at any time
//   staging/blob-<digest>/ a blob that is fetched; outlasts its process, which holds a flock on it
//   staging/<unique>/      unfinished work of a live process, which holds a flock on the directory
#ifndef VENEER_LAYERDB_CATALOG_LAYOUT_H_
#define VENEER_LAYERDB_CATALOG_LAYOUT_H_

#include <string>
#include <string_view>

#include "layerdb/base/digest.h"

namespace veneer {

class StoreLayout {
 public:
  // In the directory of a layer.
  static constexpr const char* kIndexFile = "/index";
  static constexpr const char* kTarSplitFile = "/recipe";

  explicit StoreLayout(std::string root) : root_(std::move(root)) {}

  const std::string& root() const { return root_; }
  std::string format_file() const { return root_ + "/veneer-store"; }
  std::string lock_file() const { return root_ + "/lock"; }
  std::string catalog() const { return root_ + "/catalog"; }
  std::string catalog_file() const { return catalog() + "/data.mdb"; }
  std::string layers() const { return root_ + "/layers"; }
  std::string layer(const Digest& diff_id) const { return layers() + "/" + diff_id.hex(); }
  std::string layer_index(const Digest& diff_id) const { return layer(diff_id) + "/index"; }
  std::string layer_tar_split(const Digest& diff_id) const {
    return layer(diff_id) + kTarSplitFile;
  }
  std::string layer_mark(const Digest& diff_id) const { return layer(diff_id) + "/damaged"; }
  std::string trees() const { return root_ + "/trees"; }
  std::string tree(const Digest& chain_id) const { return trees() + "/" + chain_id.hex(); }
  std::string objects() const { return root_ + "/objects"; }
  std::string slices() const { return root_ + "/slices"; }
  std::string blobs() const { return root_ + "/blobs/sha256"; }
  std::string blob(const Digest& digest) const { return blobs() + "/" + digest.hex(); }
  std::string containers() const { return root_ + "/containers"; }
  std::string container(std::string_view name) const {
    return containers() + "/" + std::string(name);
  }
  std::string upper(std::string_view name) const { return container(name) + "/upper"; }
  std::string work(std::string_view name) const { return container(name) + "/work"; }
  // What running sessions have made in the tree to mount on (model/mount_stub.h).
  std::string stubs(std::string_view name) const { return container(name) + "/stubs"; }
  // Says that the root of `upper` is its maker's, who could not give it the owner, or the mode, of
  // the image's. It has the owner that the root was made with.
  std::string foreign_root(std::string_view name) const {
    return container(name) + "/foreign-root";
  }
  std::string owner(std::string_view name) const { return container(name) + "/owner"; }
  // What builds keep between them in directories of their own (RUN --mount=type=cache).
  std::string caches() const { return root_ + "/caches"; }
  // What is known of the contents of files of build contexts; may be deleted at any time.
  std::string content_hashes() const { return root_ + "/content-hashes"; }
  std::string staging() const { return root_ + "/staging"; }

 private:
  std::string root_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_LAYOUT_H_
