// SPDX-License-Identifier: Apache-2.0
//
// Layer: one read-only tree, whatever it is made of. What is below a Layer never changes while it
// is open.
//
//   DirLayer      a plain directory, in any whiteout dialect   (marks visible)
//   IndexedLayer  a sealed index plus the store's objects      (marks visible for a layer index,
//                                                              none in a merged tree)
//   LayerStack    several Layers merged into one tree          (never any marks)
//
// "Marks" are whiteouts, opaque directories, redirects and metadata-only files: what a layer says
// about the layers below it. Only LayerStack reads them; whatever stands above it sees a plain
// tree.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_LAYER_LAYER_H_
#define VENEER_LAYERDB_LAYER_LAYER_H_

#include <sys/statvfs.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/layer/ino_numbers.h"
#include "layerdb/model/entry.h"

namespace veneer {

// Where an object lies in a layer. Made by the layer, opaque to everybody else, cheap to copy,
// valid as long as the layer lives. A layer uses the low 48 bits of `id`; LayerStack keeps the
// layer number in the high 16.
struct LayerRef {
  struct Data {
    virtual ~Data() = default;
  };
  uint64_t id = 0;
  std::shared_ptr<const Data> data;
};

// What a layer says about the layers below it, beside an object of its own.
struct Marks {
  bool opaque = false;    // directory: nothing from below shows through
  bool metacopy = false;  // regular file: attributes are here, the contents in a layer below
  // Directory that the layer only needs as a parent: the attributes of a directory of this name in
  // a layer below count, where there is one. (An archive may leave parents out.)
  bool implied = false;
  // Directory: regular files in it may be whiteouts, by an xattr (overlayfs.rst, "Whiteouts and
  // opaque directories").
  bool xattr_whiteouts = false;
  // Directory or metacopy file: where the lower part lies, as a path from the root of the tree
  // below without a leading slash (kernel: overlayfs.rst, "Redirecting directories"). nullopt: the
  // same place.
  std::optional<std::string> redirect;
};

// One name in a listing.
struct LayerDirent {
  std::string_view name;  // valid during the callback only, unless names_persist()
  bool whiteout = false;  // the name is deleted; the fields below are not set
  FileType type = FileType::kRegular;
  uint64_t ino = 0;   // as Attr::ino of LayerObject would be; 0 where a listing cannot know it
  uint64_t hint = 0;  // give it back to Lookup() to make it cheap
};

struct LayerObject {
  LayerRef ref;
  // Attr::ino is unique and stable within the layer, and the same for all hard links of a file.
  // Attr::nlink of a directory is 1 where its subdirectories were not counted.
  Attr attr;
  Marks marks;
  // Of an object in a stack; none: Attr::ino says where it comes from.
  Origin origin;
};

// The bytes of a regular file: a descriptor open for reading (offset 0 is byte 0 of the file), or
// bytes that live as long as the layer and `keep` both do.
struct Content {
  Fd fd;
  std::string_view bytes;  // used when !fd
  std::shared_ptr<const std::string> keep;
};

class Layer {
 public:
  virtual ~Layer() = default;

  // The root directory. Never fails: its attributes are read when the layer is opened.
  virtual LayerObject Root() const = 0;

  // One name of a directory. nullopt: the layer says nothing of this name. A whiteout is answered
  // as an object whose ref has id kWhiteout. `hint`: from a LayerDirent of this directory and name,
  // or 0. ENOTDIR when `dir` is not a directory.
  virtual Sys<std::optional<LayerObject>> Lookup(const LayerRef& dir, std::string_view name,
                                                 uint64_t hint) const = 0;
  static constexpr uint64_t kWhiteout = (uint64_t{1} << 48) - 1;

  // All names of a directory ("." and ".." left out), whiteouts included, in an order that is the
  // same every time. `sink` must not call the layer.
  virtual Sys<void> List(const LayerRef& dir, FunctionRef<void(const LayerDirent&)> sink) const = 0;
  // True when LayerDirent::name stays valid as long as the layer lives (an index in a memory map).
  virtual bool names_persist() const { return false; }

  virtual Sys<Attr> Stat(const LayerRef& ref) const = 0;
  // When the object was made, where that is known.
  virtual Sys<std::optional<Timestamp>> BirthTime(const LayerRef& /*ref*/) const {
    return std::nullopt;
  }
  // The target of a symlink. EINVAL for another type.
  virtual Sys<std::string> ReadLink(const LayerRef& ref) const = 0;
  // Opens a regular file for reading.
  virtual Sys<Content> Open(const LayerRef& ref) const = 0;

  // The size of a regular file where the layer knows what it must be (an index does): a descriptor
  // of Open() that has fewer bytes is of a damaged file. Asks nobody.
  virtual std::optional<uint64_t> KnownSize(const LayerRef& /*ref*/) const { return std::nullopt; }

  // Extended attributes as an image's user set them: private marks of the dialect are left out and
  // escaped ones unescaped (overlayfs.rst, "Nesting overlayfs mounts"). Never follows a symlink.
  // Get: ENODATA when it is not there; EOPNOTSUPP when the layer's file system has none.
  virtual Sys<std::string> GetXattr(const LayerRef& ref, const std::string& name) const = 0;
  virtual Sys<XattrList> ListXattrs(const LayerRef& ref) const = 0;

  // From now on keeps at most this part of the descriptors that are kept only to save opening them
  // again.
  virtual void LimitCached(unsigned /*percent*/) const {}

  // How full the file system is that holds the contents (statvfs(3)). ENOENT: an index that was
  // opened without them.
  virtual Sys<struct statvfs> StatFs() const = 0;

  // The names of a regular file with several links, as (directory path, name), where the layer can
  // tell without walking (an index can). nullopt: it cannot.
  virtual std::optional<std::vector<std::string>> PathsOfIno(uint64_t /*ino*/) const {
    return std::nullopt;
  }
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_LAYER_LAYER_H_
