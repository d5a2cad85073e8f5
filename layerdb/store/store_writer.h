// SPDX-License-Identifier: Apache-2.0
//
// StoreWriter: everything one import, commit or load writes before it shows. While a writer
// lives, nothing in the store that it found or wrote is taken for garbage (it holds the store's
// lock shared). A writer that ends without having tried to publish a layer takes its objects back,
// unless another writer lives, which may have found them. Then, and when its process is killed, it
// leaves garbage: unreferenced objects, and its staging directory.
//
// Order of use: PutObject… → NewLayerDir, write index and tar-split there → PublishLayer → PutBlob…
// → Store::images().Put() as the last write. The writer must live until that has returned.
//
// A writer that takes a container's files away (LinkObject) changes nothing of them before the
// image is there, whatever fails and whenever it is killed:
//   1. each file gets one more name, in objects/. No writer shares an object that has two names,
//      nor takes a layer with such objects for sound, so it does not matter to anybody if the
//      container goes on writing to it after a failure.
//   2. one commit of the catalog makes the image and removes the container (PublishLinked). Before
//      it, the names are taken away again, by the writer's end or by prune; after it, nobody can
//      mount the container.
//   3. owner, mode and xattrs are taken away, and the container's directory is removed. What a
//      crash leaves here is right already: only files that can be read as objects as they are were
//      linked, and prune removes the directory of a container that is not in the catalog.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_STORE_STORE_WRITER_H_
#define VENEER_LAYERDB_STORE_STORE_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/staging_dir.h"
#include "layerdb/index/records.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/objects/object_writer.h"

namespace veneer {

class Store;

class StoreWriter : public ObjectStaging {
 public:
  ~StoreWriter()
      override;  // removes the staging directory, and what was linked or written for nothing
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  // A directory of this writer alone, on the store's file system. The caller may keep temporary
  // files in it under names that begin with "tmp".
  const std::string& dir() const { return staging_->path(); }
  // Nothing was written or found through this writer so far, temporary files apart: it is as good
  // as a new one.
  bool IsUnused() const;

  // --- contents ---
  // Contents of at most kInlineLimit bytes belong into the index (IndexEntry::inline_bytes), of at
  // most kPackLimit beside others into an object that they share (PackWriter), larger ones into
  // objects of their own. Measured on a Debian root file system of 8,743 entries, for the index:
  //
  //   limit                 512    1024   1900   4000   8192
  //   objects              6058    4764   3804   2668   2067   (some 35 µs each to make)
  //   size of the index     1.1     2.1    3.8    8.3   13.1 MB
  //   opening the index     0.3     0.7    1.2    5.6   12   ms
  //   store, all in all     168     166    166    170    175 MB
  //
  // Above 1,900 bytes a record no longer fits into an LMDB leaf page. Every tree is a copy of the
  // index and every mount reads it twice, so 1,024 it is.
  //
  // And for packs, on one of 15,897 entries with 13,187 files, of which 3,402 are in the index and
  // 6,978 go into packs, as ratios to kernel overlayfs over the same files, caches dropped: reading
  // 6,000 files of at most 16 KiB fell from 1.62 to 0.55, tar of /usr and /etc from 1.58 to 0.99,
  // and 9,442 objects became 2,743. Half the files of an image are smaller than 4 KiB, four fifths
  // than 16 KiB; larger ones are worth a visit to the disk each.
  static constexpr uint64_t kInlineLimit = 1024;
  static constexpr uint64_t kPackLimit = 16384;

  // Stores `bytes`, or finds that they are there already. The second form takes the hash from a
  // caller that has computed it elsewhere (HashContent(bytes), content_hash.h).
  Result<ObjectRef> PutObject(std::string_view bytes);
  Result<ObjectRef> PutObject(std::string_view bytes, const Hash128& hash);
  void Reuse(const ObjectRef& ref) override;
  // For contents that come in pieces and are too large for memory.
  Result<std::unique_ptr<ObjectWriter>> NewObject(uint64_t size) override;
  // Stores the whole contents of a regular file: shared with it where the file system can
  // (FICLONE), else copied with its holes. `fd` must be open for reading; its offset is not used.
  Result<ObjectRef> PutObjectFrom(int fd);
  // The same for a file of a container that is removed when this writer publishes: the file itself
  // becomes the object, by one more name. It is copied where it cannot be (it has other names, lies
  // on another file system, or could not be read as an object if a crash left it as it is).
  // REQUIRES: nobody writes to it; the writer ends with PublishLinked().
  Result<ObjectRef> LinkObject(int fd);
  // The same with the hash from a caller that has computed it: HashContentOf(fd).
  Result<ObjectRef> LinkObject(int fd, const Hash128& hash);
  // Runs `publish`, the last write of this writer, which must also make the files given to
  // LinkObject() unusable for their owner. From then on the objects stay. When it has succeeded,
  // the attributes that they had as files are taken away from them.
  Result<void> PublishLinked(FunctionRef<Result<void>()> publish);

  // --- layers ---
  // A new empty directory for a layer: write `index` (IndexWriter, Seal(false)) and its tar-split
  // into it.
  Result<std::string> NewLayerDir();
  // Makes everything this writer wrote durable, then makes the directory from NewLayerDir() the
  // layer `diff_id`. A layer that is there already is kept, and `dir` removed; objects of it that
  // differ from those of `dir`, which are those of the archive beyond doubt, were damaged and are
  // replaced, for all layers that share them. An index that is damaged is replaced by that of
  // `dir`, and so is all of a layer that Repair() has marked (repair.h).
  Result<void> PublishLayer(const std::string& dir, const Digest& diff_id);
  // True when the layer is there and its objects are, of the right size and nobody's files
  // (contents are not read), and Repair() has not marked it as damaged.
  bool HasSoundLayer(const Digest& diff_id) const;

  // --- blobs ---
  // Durable when it returns. A blob that is there already is kept.
  Result<Digest> PutBlob(std::string_view bytes);
  // Makes a file in dir() a blob; its SHA-256 is checked to be `digest`.
  Result<void> PublishBlob(const std::string& file, const Digest& digest);

  // --- for the modules of the store ---
  static Result<std::unique_ptr<StoreWriter>> Begin(const Store& store, ObjectStore& objects);
  Result<ObjectRef> MoveStaged(const std::string& path, int fd, const Hash128& hash) override;
  // Makes everything written through this writer so far durable.
  Result<void> Sync();

 private:
  StoreWriter(const Store& store, ObjectStore& objects, std::unique_ptr<StagingDir> staging);
  void RecordWritten(const ObjectRef& ref);
  // Copies the file `fd` into a new file in dir(); `use` gets it, and its path to move or leave.
  Result<void> WithCopy(int fd, uint64_t size,
                        FunctionRef<Result<void>(const std::string& path, int copy)> use);
  // True when the layer there is as good as the one in `dir`, or was made so.
  Result<bool> RepairLayer(const std::string& dir, const Digest& diff_id);
  // Puts a layer into the place of the one that is there, and takes the trees of that one away.
  Result<void> ReplaceLayer(const std::string& dir, const Digest& diff_id);
  // Removes the objects that were written, unless another writer lives.
  void Rollback();
  void DisableRollback();
  // A path in dir() that is not used yet.
  std::string NewName(const char* kind);

  const Store& store_;
  ObjectStore& objects_;
  const std::unique_ptr<StagingDir> staging_;
  struct Written;
  std::unique_ptr<Written> written_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_STORE_WRITER_H_
