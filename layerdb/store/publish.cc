// SPDX-License-Identifier: Apache-2.0
//
// The half of StoreWriter that makes things appear in the store: layers and blobs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"

namespace veneer {
namespace {

// A content of a layer: an object, or a slice of one.
struct SizedObject {
  ObjectRef ref;
  uint64_t size;
  std::optional<uint64_t> slice;
};

// The objects of a layer, in the order of its entries.
Sys<std::vector<SizedObject>> ObjectsOf(const IndexReader& index) {
  std::vector<SizedObject> objects;
  VENEER_TRY_VOID(index.ForEach([&](uint64_t, std::string_view, const IndexReader::Record& found) {
    if (found.entry.whiteout()) return true;
    if (const auto ref = found.entry.object()) {
      objects.push_back({*ref, found.entry.size(), found.entry.slice()});
    }
    return true;
  }));
  return objects;
}

// The bytes of a content that is small, or was when it was written.
Sys<std::string> ReadSmall(const ObjectStore& objects, const SizedObject& content) {
  VENEER_TRY(const Fd fd, objects.OpenObject(content.ref));
  std::string bytes(content.size, '\0');
  VENEER_TRY(const size_t read,
             sys::ReadAt(fd.get(), bytes.data(), bytes.size(), content.slice.value_or(0)));
  if (read < bytes.size()) return Fail(ENODATA);
  return bytes;
}

// Contents of a layer that lie in packs, brought back into the objects where the layer has them.
// What else is in a pack stays as it is.
class PackRepairs {
 public:
  PackRepairs(ObjectStore& objects, std::string prefix)
      : objects_(objects), prefix_(std::move(prefix)) {}

  // `offset`: nullopt where the content is the whole object.
  Result<void> Write(const ObjectRef& pack, std::optional<uint64_t> offset,
                     std::string_view bytes) {
    const auto [it, is_new] = copies_.try_emplace(pack);
    if (is_new) VENEER_TRY_VOID(Copy(pack, &it->second));
    const int fd = it->second.fd.get();
    VENEER_TRY_CTX_VOID(sys::WriteAt(fd, bytes, offset.value_or(0)), it->second.path);
    if (!offset) VENEER_TRY_CTX_VOID(sys::Truncate(fd, bytes.size()), it->second.path);
    return {};
  }

  Result<void> Finish() {
    for (const auto& [pack, copy] : copies_) {
      VENEER_TRY_CTX_VOID(sys::Sync(copy.fd.get(), true), copy.path);
      VENEER_TRY_VOID(objects_.Replace(pack, AT_FDCWD, copy.path));
      VENEER_TRY_VOID(objects_.SyncNames({&pack, 1}));
    }
    return {};
  }

 private:
  struct Staged {
    std::string path;
    Fd fd;
  };

  Result<void> Copy(const ObjectRef& pack, Staged* copy) {
    copy->path = prefix_ + "-" + std::to_string(copies_.size());
    VENEER_TRY_CTX(copy->fd, sys::Open(sys::Path(copy->path), O_RDWR | O_CREAT | O_EXCL, 0444),
                   copy->path);
    const Sys<Fd> old = objects_.OpenObject(pack);
    if (!old) return {};  // it has gone: this layer's contents are all there will be
    struct stat st;
    if (fstat(old->get(), &st) != 0) return MakeError(Errno{errno}, ObjectPath(pack));
    VENEER_TRY_CTX_VOID(
        sys::CopyData(old->get(), copy->fd.get(), static_cast<uint64_t>(st.st_size)), copy->path);
    return {};
  }

  ObjectStore& objects_;
  const std::string prefix_;
  std::map<ObjectRef, Staged> copies_;
};

}  // namespace

Result<std::string> StoreWriter::NewLayerDir() {
  std::string path = NewName("layer");
  VENEER_TRY_CTX_VOID(sys::MakeDir(sys::Path(path), 0700), path);
  return path;
}

bool StoreWriter::HasSoundLayer(const Digest& diff_id) const {
  if (Exists(store_.layout().layer_mark(diff_id))) return false;
  const Result<std::shared_ptr<IndexReader>> index = store_.OpenLayer(diff_id);
  const auto objects = index ? ObjectsOf(**index) : Fail(ENOENT);
  if (!objects) return false;
  std::map<ObjectRef, uint64_t> sizes;  // a pack has many contents
  for (const SizedObject& object : *objects) {
    const auto [known, is_new] = sizes.try_emplace(object.ref);
    if (is_new) {
      const std::string path = ObjectPath(object.ref);
      const Sys<struct stat> st = sys::Stat({objects_.dir_fd(), path.c_str()});
      if (!st || !S_ISREG(st->st_mode) || st->st_nlink != 1) return false;
      known->second = static_cast<uint64_t>(st->st_size);
    }
    const uint64_t size = known->second;
    if (object.slice ? size < *object.slice + object.size : size != object.size) return false;
  }
  return true;
}

Result<bool> StoreWriter::RepairLayer(const std::string& dir, const Digest& diff_id) {
  VENEER_TRY(const std::shared_ptr<IndexReader> made, IndexReader::Open(dir + "/index"));
  VENEER_TRY_CTX(const std::vector<SizedObject> sound, ObjectsOf(*made), dir);
  const Result<std::shared_ptr<IndexReader>> index = store_.OpenLayer(diff_id);
  if (!index) return false;
  const Sys<std::vector<SizedObject>> there = ObjectsOf(**index);
  // Which contents are in objects of their own is another thing than what they are: an older
  // program, or another table of slices, may have put them elsewhere.
  const auto alike = [](const SizedObject& a, const SizedObject& b) {
    return a.size == b.size && (a.slice || b.slice || a.ref.hash == b.ref.hash);
  };
  if (!there || !std::equal(there->begin(), there->end(), sound.begin(), sound.end(), alike)) {
    return false;
  }
  PackRepairs repairs(objects_, NewName("repair"));
  for (size_t i = 0; i < sound.size(); ++i) {
    // Two layers of one digest have equal contents. Where they are in two objects, either two
    // processes made the object at the same moment, or the old one is damaged, and was not found
    // equal for this reason.
    const SizedObject& old = (*there)[i];
    if (old.ref == sound[i].ref && old.slice == sound[i].slice) continue;
    if (old.slice || sound[i].slice) {
      VENEER_TRY_CTX(const std::string bytes, ReadSmall(objects_, sound[i]),
                     ObjectPath(sound[i].ref));
      const Sys<std::string> now = ReadSmall(objects_, old);
      if (!now || *now != bytes) {
        VENEER_TRY_VOID(repairs.Write(old.ref, old.slice, bytes));
      }
      continue;
    }
    VENEER_TRY_CTX(const Fd fd, objects_.OpenObject(sound[i].ref), ObjectPath(sound[i].ref));
    if (objects_.Holds(old.ref, fd.get())) continue;
    const auto replace = [&](const std::string& path, int copy) -> Result<void> {
      VENEER_TRY_CTX_VOID(sys::Sync(copy, true), path);
      return objects_.Replace(old.ref, AT_FDCWD, path);
    };
    VENEER_TRY_VOID(WithCopy(fd.get(), sound[i].size, replace));
    VENEER_TRY_VOID(objects_.SyncNames({&old.ref, 1}));
  }
  VENEER_TRY_VOID(repairs.Finish());
  return true;
}

Result<void> StoreWriter::PublishLayer(const std::string& dir, const Digest& diff_id) {
  VENEER_TRY_VOID(Sync());
  VENEER_TRY_VOID(SyncDirectoryOfFiles(dir));
  DisableRollback();
  const StoreLayout& layout = store_.layout();
  const std::string target = layout.layer(diff_id);
  const Sys<void> renamed = sys::Rename(sys::Path(dir), sys::Path(target), RENAME_NOREPLACE);
  if (!renamed) {
    if (renamed.error().code != EEXIST) return MakeError(renamed.error(), target);
    const bool marked = Exists(layout.layer_mark(diff_id));
    VENEER_TRY(const bool healed, RepairLayer(dir, diff_id));
    if (!healed || marked) VENEER_TRY_VOID(ReplaceLayer(dir, diff_id));
    VENEER_TRY_CTX_VOID(RemoveTree(dir), dir);
  }
  VENEER_TRY_VOID(SyncPath(layout.layers()));
  if (IsLogged(LogLevel::kDebug)) LogDebug("published layer " + diff_id.ToString());
  return {};
}

Result<void> StoreWriter::ReplaceLayer(const std::string& dir, const Digest& diff_id) {
  const StoreLayout& layout = store_.layout();
  const std::string target = layout.layer(diff_id);
  // Whoever is killed before the trees of the old layer are gone leaves a layer that the next load
  // reads again.
  const std::string mark = dir + "/damaged";
  VENEER_TRY_CTX_VOID(sys::Open(sys::Path(mark), O_WRONLY | O_CREAT, 0600), mark);
  VENEER_TRY_VOID(SyncPath(dir));
  VENEER_TRY_CTX_VOID(sys::Rename(sys::Path(dir), sys::Path(target), RENAME_EXCHANGE), target);
  VENEER_TRY_VOID(SyncPath(layout.layers()));
  VENEER_TRY_VOID(store_.DropTrees());
  const std::string there = layout.layer_mark(diff_id);
  VENEER_TRY_CTX_VOID(RemoveFile(there), there);
  return SyncPath(target);
}

Result<Digest> StoreWriter::PutBlob(std::string_view bytes) {
  const Digest digest = Digest::OfBytes(bytes);
  if (store_.HasBlob(digest)) {
    const Result<std::string> there = store_.ReadBlob(digest, bytes.size());
    if (there && *there == bytes) return digest;  // else it is damaged, and replaced
  }
  const std::string path = NewName("blob");
  VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, 0444), path);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), bytes, 0), path);
  VENEER_TRY_VOID(PublishBlob(path, digest));
  return digest;
}

Result<void> StoreWriter::PublishBlob(const std::string& file, const Digest& digest) {
  VENEER_TRY_CTX(const Fd fd, OpenRegularFile(file), file);
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
  VENEER_TRY_CTX_VOID(ReplaceByFile(file, target), target);
  VENEER_TRY_VOID(SyncPath(layout.blobs()));
  if (IsLogged(LogLevel::kDebug)) LogDebug("published blob " + digest.ToString());
  return {};
}

}  // namespace veneer
