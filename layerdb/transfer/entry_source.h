// SPDX-License-Identifier: Apache-2.0
//
// EntrySource and EntrySink: a tree on its way out of somewhere (a directory, the changes of an
// upper, a layer of the store) and into something (a layer, an archive), entry by entry. Any source
// can feed any sink:
//
//   DirectorySource   ─┐               ┌─ LayerSink      a layer, its index and tar-split
//   ChangeSource      ─┼─ EntrySink ───┼─ ArchiveSink    a tar archive
//   LayerSource       ─┤               └─ DirectorySink  files
//   ImageDiffSource   ─┘
//
// An archive that is imported has headers of its own, which a layer keeps to the byte, and goes
// another way (import_pipeline.h).
#ifndef VENEER_LAYERDB_TRANSFER_ENTRY_SOURCE_H_
#define VENEER_LAYERDB_TRANSFER_ENTRY_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/index/records.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/layer/layer.h"
#include "layerdb/model/entry.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/transfer/content_check.h"
#include "layerdb/transfer/tar_stream.h"

namespace veneer {

// An object of the tree, as an archive describes it.
struct SourceEntry {
  std::string path;         // from the root, no slash in front; "" is the root
  Attr attr;                // ino and nlink are not used
  XattrList xattrs;         // ArchivedXattrs()
  std::string target = {};  // of a symlink
  // The same for all names of one file; empty for what has one name only.
  std::optional<TarLinkKey> key = {};
  // Something below has this name, and would come back for who cannot read this entry (no archive
  // can hold a socket).
  bool replaces = false;

  TarOutput Output() const;
  // The path as errors show it.
  std::string Shown() const;
  // `e` happened to the entry.
  tl::unexpected<Error> Failed(Errno e) const;
  // DamagedObject() of its contents.
  tl::unexpected<Error> Damaged(const ObjectRef& object, std::string_view what) const;
};

// What of the extended attributes of a file goes into an archive (IsHostXattr), in their order
// there.
XattrList ArchivedXattrs(XattrList xattrs);

// The contents of a regular file.
struct SourceContent {
  Content content;
  // The contents come from the store: where they are not what they should be, the store is damaged.
  bool stored = false;
  // They are all of this object of the store, and are to be compared with its name. Implies
  // `stored`.
  std::optional<ObjectRef> object = {};
  bool move = false;  // the file itself may become the store's (StoreWriter::LinkObject)

  int fd() const { return content.fd ? content.fd.get() : -1; }
  // Reading the contents of `entry` ended with `e`.
  tl::unexpected<Error> Failed(const SourceEntry& entry, Errno e) const;
};

class EntrySink {
 public:
  // nullopt: the file is gone, and the entry is left out.
  using OpenContent = FunctionRef<Result<std::optional<SourceContent>>()>;

  virtual ~EntrySink() = default;
  // The next object: a directory before what is in it, siblings in byte order. `open_content` is
  // called for a regular file with contents, once at most.
  virtual Result<void> Add(const SourceEntry& entry, OpenContent open_content) = 0;
  // The name is deleted in the layers below.
  virtual Result<void> Whiteout(std::string_view path) = 0;
  // Of the directory that was added last nothing shows that layers below have in it.
  virtual Result<void> Opaque(std::string_view path) = 0;
};

class EntrySource {
 public:
  virtual ~EntrySource() = default;
  // Gives the whole tree to `sink`. Call once.
  virtual Result<void> Run(EntrySink& sink) = 0;
};

// Opens files of a layer whose contents are in a store. Errors name the object.
class StoredContents {
 public:
  // Both outlive it.
  StoredContents(const IndexedLayer& layer, const ObjectStore& objects);
  // The contents of `entry`, a regular file that is `ref` in the layer.
  Result<SourceContent> Open(const SourceEntry& entry, const LayerRef& ref);

 private:
  const IndexedLayer& layer_;
  const ObjectStore& objects_;
  PackCheck packs_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_ENTRY_SOURCE_H_
