// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/store_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <set>
#include <vector>

#include "layerdb/base/files.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/sys.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/store/discard.h"
#include "layerdb/store/store.h"

namespace veneer {
namespace {

// Up to this many objects are made durable one by one, and their directories. Beyond, syncfs(2) is
// cheaper, although it also waits for what other programs wrote to the same file system.
constexpr size_t kSyncOneByOne = 16;
// A regular file up to this size is read into memory: no temporary file, and no write when it is
// there.
constexpr uint64_t kReadWhole = uint64_t{1} << 20;

// The whole of a regular file.
Sys<std::string> ReadWhole(int fd, uint64_t size) {
  std::string bytes(size, '\0');
  VENEER_TRY(const size_t read, sys::ReadAt(fd, bytes.data(), bytes.size(), 0));
  bytes.resize(read);
  return bytes;
}

// True when the store's owner can read it as it is, with no rights but those of its owner or of
// everybody.
bool IsReadable(const struct stat& st) {
  return (st.st_mode & (st.st_uid == geteuid() ? S_IRUSR : S_IROTH)) != 0;
}

// An object has no owner, rights and attributes of its own.
void Strip(int fd) {
  const char* why = "an object with the attributes of a file is as good";
  if (const auto names = sys::ListXattr({fd}); names) {
    for (const std::string& xattr : *names) IgnoreError(sys::RemoveXattr({fd}, xattr.c_str()), why);
  }
  IgnoreError(sys::Chown({fd}, geteuid(), getegid()), why);
  IgnoreError(sys::Chmod({fd}, 0444), why);
}

bool HasHoles(const struct stat& st) { return st.st_blocks * 512 < st.st_size; }

}  // namespace

struct StoreWriter::Written {
  std::atomic<uint64_t> next_name{0};
  Mutex linking;                                   // before mu
  std::set<ObjectRef> linked GUARDED_BY(linking);  // files of a container
  Mutex mu;
  // Objects that may not be on disk yet, those that were there already included: another writer may
  // have written them a moment ago.
  std::vector<ObjectRef> objects GUARDED_BY(mu);
  bool too_many GUARDED_BY(mu) = false;  // more than kSyncOneByOne
  // All objects, while they may have to be taken back.
  std::vector<ObjectRef> unpublished GUARDED_BY(mu);
  bool keep GUARDED_BY(mu) = false;  // nothing is to be taken back

  void SyncLater(const ObjectRef& ref) REQUIRES(mu) {
    if (too_many) return;
    objects.push_back(ref);
    if (objects.size() > kSyncOneByOne) {
      too_many = true;
      objects.clear();
    }
  }
};

StoreWriter::StoreWriter(const Store& store, ObjectStore& objects,
                         std::unique_ptr<StagingDir> staging)
    : store_(store),
      objects_(objects),
      staging_(std::move(staging)),
      written_(std::make_unique<Written>()) {}

StoreWriter::~StoreWriter() {
  for (const ObjectRef& ref : written_->linked) objects_.Unlink(ref);
  staging_->Remove();
  Rollback();
}

void StoreWriter::Rollback() {
  std::vector<ObjectRef> unpublished;
  {
    const MutexLock lock(written_->mu);
    if (written_->keep) return;
    unpublished.swap(written_->unpublished);
  }
  if (unpublished.empty()) return;
  // Another writer may have found some of them; this one waits for nobody.
  if (!TakeLock(staging_->lock(), LockMode::kExclusive, kNoPatience).value_or(false)) return;
  IgnoreError(DiscardObjects(store_, std::move(unpublished)), "prune does the rest");
}

void StoreWriter::DisableRollback() {
  const MutexLock lock(written_->mu);
  written_->keep = true;
  written_->unpublished = {};
}

Result<std::unique_ptr<StoreWriter>> StoreWriter::Begin(const Store& store, ObjectStore& objects) {
  VENEER_TRY(std::unique_ptr<StagingDir> staging, StagingDir::Make(store.layout()));
  return std::unique_ptr<StoreWriter>(new StoreWriter(store, objects, std::move(staging)));
}

bool StoreWriter::IsUnused() const {
  {
    const MutexLock lock(written_->linking);
    if (!written_->linked.empty()) return false;
  }
  const MutexLock lock(written_->mu);
  return written_->next_name == 0 && written_->objects.empty() && !written_->too_many &&
         written_->unpublished.empty() && !written_->keep;
}

std::string StoreWriter::NewName(const char* kind) {
  return dir() + "/" + kind + "-" + std::to_string(written_->next_name++);
}

void StoreWriter::RecordWritten(const ObjectRef& ref) {
  const MutexLock lock(written_->mu);
  if (!written_->keep) written_->unpublished.push_back(ref);
  written_->SyncLater(ref);
}

void StoreWriter::Reuse(const ObjectRef& ref) {
  const MutexLock lock(written_->mu);
  written_->SyncLater(ref);
}

Result<ObjectRef> StoreWriter::PutObject(std::string_view bytes) {
  return PutObject(bytes, HashContent(bytes));
}

Result<ObjectRef> StoreWriter::PutObject(std::string_view bytes, const Hash128& hash) {
  VENEER_TRY(const ObjectRef ref, objects_.Put(bytes, hash));
  RecordWritten(ref);
  return ref;
}

Result<std::unique_ptr<ObjectWriter>> StoreWriter::NewObject(uint64_t size) {
  std::string path = NewName("object");
  VENEER_TRY_CTX(Fd fd, sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, 0444), path);
  return std::make_unique<ObjectWriter>(*this, std::move(path), std::move(fd), size);
}

Result<ObjectRef> StoreWriter::MoveStaged(const std::string& path, int fd, const Hash128& hash) {
  VENEER_TRY(const ObjectRef ref, objects_.Move(AT_FDCWD, path, fd, hash));
  RecordWritten(ref);
  return ref;
}

Result<ObjectRef> StoreWriter::PutObjectFrom(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return MakeError(Errno{errno}, "read contents");
  const auto size = static_cast<uint64_t>(st.st_size);
  if (size <= kReadWhole && !HasHoles(st)) {
    VENEER_TRY_CTX(const std::string bytes, ReadWhole(fd, size), "read contents");
    return PutObject(bytes);
  }
  ObjectRef ref;
  VENEER_TRY_VOID(WithCopy(fd, size, [&](const std::string& path, int copy) -> Result<void> {
    // The copy is hashed, not the source: that may change meanwhile.
    VENEER_TRY_CTX(const Hash128 hash, HashContentOf(copy), path);
    VENEER_TRY(ref, MoveStaged(path, copy, hash));
    return {};
  }));
  return ref;
}

Result<void> StoreWriter::WithCopy(
    int fd, uint64_t size, FunctionRef<Result<void>(const std::string& path, int copy)> use) {
  const std::string path = NewName("object");
  VENEER_TRY_CTX(const Fd copy, sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, 0444), path);
  const auto fill = [&]() -> Result<void> {
    VENEER_TRY_CTX_VOID(sys::CopyData(fd, copy.get(), size), path);
    VENEER_TRY_CTX_VOID(sys::Truncate(copy.get(), size), path);
    return use(path, copy.get());
  };
  Result<void> done = fill();
  if (!done) IgnoreError(sys::Unlink(sys::Path(path)), "the error that matters is known");
  return done;
}

Result<ObjectRef> StoreWriter::LinkObject(int fd) {
  VENEER_TRY_CTX(const Hash128 hash, HashContentOf(fd), "read contents");
  return LinkObject(fd, hash);
}

Result<ObjectRef> StoreWriter::LinkObject(int fd, const Hash128& hash) {
  struct stat st;
  if (fstat(fd, &st) != 0) return MakeError(Errno{errno}, "read contents");
  if (!S_ISREG(st.st_mode)) return MakeError(Errno{EINVAL}, "read contents");
  if (st.st_nlink == 1 && IsReadable(st)) {
    const MutexLock lock(written_->linking);
    const Result<ObjectRef> linked = objects_.Link(fd, hash, &written_->linked);
    if (linked) {
      RecordWritten(*linked);
      return linked;
    }
    const int code = linked.error().code();
    // ENOENT: there is no /proc.
    if (code != EXDEV && code != EPERM && code != EMLINK && code != ENOENT) return linked;
  }
  return PutObjectFrom(fd);
}

Result<void> StoreWriter::PublishLinked(FunctionRef<Result<void>()> publish) {
  const MutexLock lock(written_->linking);
  // When it fails, it may have been done all the same: what is not needed is left to prune.
  const std::set<ObjectRef> linked = std::exchange(written_->linked, {});
  DisableRollback();
  VENEER_TRY_VOID(publish());
  for (const ObjectRef& ref : linked) {
    if (const Sys<Fd> fd = objects_.OpenObject(ref); fd) Strip(fd->get());
  }
  return {};
}

Result<void> StoreWriter::Sync() {
  std::vector<ObjectRef> objects;
  bool all = false;
  {
    const MutexLock lock(written_->mu);
    objects.swap(written_->objects);
    all = std::exchange(written_->too_many, false);
  }
  const std::string& root = store_.path();
  if (all) {
    VENEER_TRY_CTX_VOID(sys::SyncFs(staging_->lock()), root);
    return {};
  }
  for (const ObjectRef& ref : objects) {
    VENEER_TRY_CTX(const Fd fd, objects_.OpenObject(ref), root + "/objects/" + ObjectPath(ref));
    VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), true), root + "/objects/" + ObjectPath(ref));
  }
  return objects.empty() ? Result<void>() : objects_.SyncNames(objects);
}

}  // namespace veneer
