// SPDX-License-Identifier: Apache-2.0
//
// The half of WriteSession that makes things appear in the store: layers and blobs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "layerdb/base/sys.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/store/remove_tree.h"
#include "layerdb/store/session.h"
#include "layerdb/store/store.h"

namespace veneer {
namespace {

Result<void> SyncPath(const std::string& path) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return MakeError(Errno{errno}, path);
  VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), false), path);
  return {};
}

// The directory and every file in it.
Result<void> SyncDirectory(const std::string& path) {
  const Fd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return MakeError(Errno{errno}, path);
  std::vector<std::string> names;
  VENEER_TRY_CTX_VOID(
      sys::ReadDir(dir.get(), [&](const sys::Dirent& entry) { names.emplace_back(entry.name); }),
      path);
  for (const std::string& name : names) VENEER_TRY_VOID(SyncPath(path + "/" + name));
  VENEER_TRY_CTX_VOID(sys::Sync(dir.get(), false), path);
  return {};
}

// True when a published layer can be read and its contents are there, of the right size.
bool IsSound(const Store& store, const ObjectStore& objects, const Digest& diff_id) {
  const Result<std::shared_ptr<IndexReader>> index = store.OpenLayer(diff_id);
  if (!index) return false;
  bool sound = true;
  const Sys<void> read =
      (*index)->ForEach([&](uint64_t, std::string_view, const IndexReader::Found& found) {
        if (found.entry.whiteout()) return true;
        const std::optional<ObjectRef> ref = found.entry.object();
        struct stat st;
        sound = !ref || (fstatat(objects.dir_fd(), ObjectPath(*ref).c_str(), &st,
                                 AT_SYMLINK_NOFOLLOW) == 0 &&
                         static_cast<uint64_t>(st.st_size) == found.entry.size());
        return sound;
      });
  return read && sound;
}

}  // namespace

Result<std::string> WriteSession::NewLayerDir() {
  std::string path = NewName("layer");
  if (mkdir(path.c_str(), 0700) != 0) return MakeError(Errno{errno}, path);
  return path;
}

Result<void> WriteSession::PublishLayer(const std::string& dir, const Digest& diff_id) {
  VENEER_TRY_VOID(Sync());
  VENEER_TRY_VOID(SyncDirectory(dir));
  const StoreLayout& layout = store_.layout();
  const std::string target = layout.layer(diff_id);
  unsigned flags = RENAME_NOREPLACE;
  if (store_.HasLayer(diff_id)) {
    if (IsSound(store_, objects_, diff_id)) {
      VENEER_TRY_CTX_VOID(RemoveTree(dir), dir);
      return {};
    }
    // The same layer again heals the one that is damaged.
    flags = RENAME_EXCHANGE;
  }
  if (renameat2(AT_FDCWD, dir.c_str(), AT_FDCWD, target.c_str(), flags) != 0) {
    // Another process was faster.
    if (errno == EEXIST && IsSound(store_, objects_, diff_id)) {
      VENEER_TRY_CTX_VOID(RemoveTree(dir), dir);
      return {};
    }
    return MakeError(Errno{errno}, target);
  }
  if (flags == RENAME_EXCHANGE) {
    VENEER_TRY_CTX_VOID(RemoveTree(dir), dir);
    VENEER_TRY_VOID(store_.DropTrees());
  }
  return SyncPath(layout.layers());
}

Result<Digest> WriteSession::PutBlob(std::string_view bytes) {
  const Digest digest = Digest::OfBytes(bytes);
  if (store_.HasBlob(digest)) {
    const Result<std::string> there = store_.ReadBlob(digest, bytes.size());
    if (there && *there == bytes) return digest;  // else it is damaged, and replaced
  }
  const std::string path = NewName("blob");
  const Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!fd) return MakeError(Errno{errno}, path);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), bytes, 0), path);
  VENEER_TRY_VOID(PublishBlob(path, digest));
  return digest;
}

Result<void> WriteSession::PublishBlob(const std::string& file, const Digest& digest) {
  const Fd fd(open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return MakeError(Errno{errno}, file);
  Sha256Stream stream;
  std::string buffer(size_t{256} * 1024, '\0');
  for (uint64_t at = 0;;) {
    VENEER_TRY_CTX(const size_t n, sys::ReadAt(fd.get(), buffer.data(), buffer.size(), at), file);
    if (n == 0) break;
    stream.Update(std::string_view(buffer).substr(0, n));
    at += n;
  }
  if (const std::string hex = stream.FinishHex(); hex != digest.hex()) {
    return MakeError("blob " + digest.ToString() + " has other contents, sha256:" + hex);
  }
  VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), true), file);
  const StoreLayout& layout = store_.layout();
  const std::string target = layout.blob(digest);
  if (rename(file.c_str(), target.c_str()) != 0) return MakeError(Errno{errno}, target);
  return SyncPath(layout.blobs());
}

}  // namespace veneer
