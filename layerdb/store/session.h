// SPDX-License-Identifier: Apache-2.0
//
// WriteSession: everything one import, commit or load writes before it shows. While a session
// lives, nothing in the store that it found or wrote is taken for garbage (it holds the store's
// lock shared). A session that ends without publishing, or whose process is killed, leaves only
// garbage: its staging directory and unreferenced objects.
//
// Order of use: PutObject… → NewLayerDir, write index and recipe there → PublishLayer → PutBlob… →
// Store::images().Put() as the last write. The session must live until that has returned.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_STORE_SESSION_H_
#define VENEER_LAYERDB_STORE_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/index/records.h"
#include "layerdb/store/object_store.h"

namespace veneer {

class Store;

class WriteSession {
 public:
  ~WriteSession();  // removes the staging directory
  WriteSession(const WriteSession&) = delete;
  WriteSession& operator=(const WriteSession&) = delete;

  // A directory of this session alone, on the store's file system. The caller may keep temporary
  // files in it under names that begin with "tmp".
  const std::string& dir() const { return dir_; }

  // --- contents ---
  // Contents of at most this many bytes belong into the index (IndexEntry::inline_bytes), larger
  // ones into objects. Measured on a Debian root file system of 8,743 entries:
  //
  //   limit                 512    1024   1900   4000   8192
  //   objects              6058    4764   3804   2668   2067   (some 35 µs each to make)
  //   size of the index     1.1     2.1    3.8    8.3   13.1 MB
  //   opening the index     0.3     0.7    1.2    5.6   12   ms
  //   store, all in all     168     166    166    170    175 MB
  //
  // Above 1,900 bytes a record no longer fits into an LMDB leaf page. Every tree is a copy of the
  // index and every mount reads it twice, so 1,024 it is.
  static constexpr uint64_t kInlineLimit = 1024;

  // Stores `bytes`, or finds that they are there already. The second form takes the hash from a
  // caller that has computed it elsewhere (HashContent(bytes), content_hash.h).
  Result<ObjectRef> PutObject(std::string_view bytes);
  Result<ObjectRef> PutObject(std::string_view bytes, const Hash128& hash);
  // For contents that come in pieces and are too large for memory.
  Result<std::unique_ptr<ObjectWriter>> NewObject();
  // Stores the whole contents of a regular file: shared with it where the file system can
  // (FICLONE), else copied with its holes. `fd` must be open for reading; its offset is not used.
  Result<ObjectRef> PutObjectFrom(int fd);
  // The same for a file that the caller gives away: it is moved into the store (or removed, when
  // its contents are there already) if it lies on the same file system and has no other names; else
  // it is copied and then removed.
  Result<ObjectRef> MoveObjectFrom(int dir_fd, const std::string& name);

  // --- layers ---
  // A new empty directory for a layer: write `index` (IndexWriter, Seal(false)) and `recipe` into
  // it.
  Result<std::string> NewLayerDir();
  // Makes everything this session wrote durable, then makes the directory from NewLayerDir() the
  // layer `diff_id`. A layer that is there already and sound is kept, and `dir` removed.
  Result<void> PublishLayer(const std::string& dir, const Digest& diff_id);

  // --- blobs ---
  // Durable when it returns. A blob that is there already is kept.
  Result<Digest> PutBlob(std::string_view bytes);
  // Makes a file in dir() a blob; its SHA-256 is checked to be `digest`.
  Result<void> PublishBlob(const std::string& file, const Digest& digest);

  // --- for the modules of the store ---
  static Result<std::unique_ptr<WriteSession>> Begin(const Store& store, ObjectStore& objects);
  // Makes `path`, a file of this session open as `fd`, an object.
  Result<ObjectRef> MoveStaged(const std::string& path, int fd, const Hash128& hash);
  // Makes everything written through this session so far durable.
  Result<void> Sync();

 private:
  WriteSession(const Store& store, ObjectStore& objects, Fd lock, std::string dir, Fd lease);
  void Wrote(const ObjectRef& ref);
  // A path in dir() that is not used yet.
  std::string NewName(const char* kind);

  const Store& store_;
  ObjectStore& objects_;
  Fd lock_;  // the store's lock, shared
  std::string dir_;
  Fd lease_;  // dir_, flocked
  struct Written;
  std::unique_ptr<Written> written_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_SESSION_H_
