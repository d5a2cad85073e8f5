// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/session.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/store/discard.h"
#include "layerdb/store/lease.h"
#include "layerdb/store/remove_tree.h"
#include "layerdb/store/store.h"

namespace veneer {
namespace {

// Up to this many objects are made durable one by one, and their directories. Beyond, syncfs(2) is cheaper, although it
// also waits for what other programs wrote to the same file system.
constexpr size_t kSyncOneByOne = 16;
// A regular file up to this size is read into memory: no temporary file, and no write when it is there.
constexpr uint64_t kReadWhole = uint64_t{1} << 20;
constexpr std::chrono::milliseconds kNoPatience{0};

Sys<Fd> TakeSharedLock(const std::string& path) {
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return FailErrno();
  while (flock(fd.get(), LOCK_SH) != 0) {
    if (errno != EINTR) return FailErrno();
  }
  return fd;
}

struct Staging {
  std::string dir;
  Fd lease;
};

// A new directory, locked. Prune may take one that is made but not locked yet for a dead one: then the next is tried.
Sys<Staging> MakeStaging(const std::string& parent) {
  for (;;) {
    std::string dir = parent + "/" + std::to_string(getpid()) + "-XXXXXX";
    if (mkdtemp(dir.data()) == nullptr) return FailErrno();
    Sys<std::optional<Fd>> lease = TakeLease(dir, kNoPatience);
    if (!lease && lease.error().code != ENOENT) {
      rmdir(dir.c_str());
      return Fail(lease.error());
    }
    if (!lease || !*lease) continue;
    VENEER_TRY(const struct stat st, sys::Stat({(*lease)->get()}));
    if (st.st_nlink > 0) return Staging{std::move(dir), **std::move(lease)};
  }
}

// The whole of a regular file.
Sys<std::string> ReadWhole(int fd, uint64_t size) {
  std::string bytes(size, '\0');
  VENEER_TRY(const size_t read, sys::ReadAt(fd, bytes.data(), bytes.size(), 0));
  bytes.resize(read);
  return bytes;
}

// True when the store's owner can read it as it is, with no rights but those of its owner or of everybody.
bool IsReadable(const struct stat& st) {
  return (st.st_mode & (st.st_uid == geteuid() ? S_IRUSR : S_IROTH)) != 0;
}

// An object has no owner, rights and attributes of its own.
void Strip(int fd) {
  const char* why = "an object with the attributes of a file is as good";
  if (const auto names = sys::ListXattr({fd}); names) {
    for (const std::string& xattr : *names) IgnoreError(sys::RemoveXattr({fd}, xattr.c_str()), why);
  }
  IgnoreError(fchown(fd, geteuid(), getegid()), why);
  IgnoreError(fchmod(fd, 0444), why);
}

bool HasHoles(const struct stat& st) { return st.st_blocks * 512 < st.st_size; }

}  // namespace

struct WriteSession::Written {
  std::atomic<uint64_t> next_name{0};
  std::mutex mu;
  // Objects that may not be on disk yet, those that were there already included: another session may
  // have written them a moment ago. Guarded by mu.
  std::vector<ObjectRef> objects;
  bool too_many = false;  // more than kSyncOneByOne; guarded by mu
  std::mutex linking;
  std::set<ObjectRef> linked;  // files of a container; guarded by linking
  // All objects, while they may have to be taken back. Guarded by mu.
  std::vector<ObjectRef> unpublished;
  bool keep = false;  // nothing is to be taken back; guarded by mu
};

WriteSession::WriteSession(const Store& store, ObjectStore& objects, Fd lock, std::string dir,
                           Fd lease)
    : store_(store),
      objects_(objects),
      lock_(std::move(lock)),
      dir_(std::move(dir)),
      lease_(std::move(lease)),
      written_(std::make_unique<Written>()) {}

WriteSession::~WriteSession() {
  for (const ObjectRef& ref : written_->linked) objects_.Unlink(ref);
  if (const Sys<uint64_t> removed = RemoveTree(dir_); !removed) {
    LogWarning("left for prune: " + dir_ + ": " + ErrnoText(removed.error().code));
  }
  TakeBack();
}

void WriteSession::TakeBack() {
  if (written_->keep || written_->unpublished.empty()) return;
  // Another session may have found some of them; this one waits for nobody.
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) return;
  IgnoreError(DiscardObjects(store_, std::move(written_->unpublished)), "prune does the rest");
}

void WriteSession::Keep() {
  const std::lock_guard lock(written_->mu);
  written_->keep = true;
  written_->unpublished = {};
}

Result<std::unique_ptr<WriteSession>> WriteSession::Begin(const Store& store,
                                                          ObjectStore& objects) {
  const StoreLayout& layout = store.layout();
  VENEER_TRY_CTX(Fd lock, TakeSharedLock(layout.lock_file()), layout.lock_file());
  VENEER_TRY_CTX(Staging staging, MakeStaging(layout.staging()), layout.staging());
  return std::unique_ptr<WriteSession>(new WriteSession(
      store, objects, std::move(lock), std::move(staging.dir), std::move(staging.lease)));
}

std::string WriteSession::NewName(const char* kind) {
  return dir_ + "/" + kind + "-" + std::to_string(written_->next_name++);
}

void WriteSession::Wrote(const ObjectRef& ref) {
  const std::lock_guard lock(written_->mu);
  if (!written_->keep) written_->unpublished.push_back(ref);
  MustBeDurable(ref);
}

void WriteSession::Found(const ObjectRef& ref) {
  const std::lock_guard lock(written_->mu);
  MustBeDurable(ref);
}

void WriteSession::MustBeDurable(const ObjectRef& ref) {
  if (written_->too_many) return;
  written_->objects.push_back(ref);
  if (written_->objects.size() > kSyncOneByOne) {
    written_->too_many = true;
    written_->objects.clear();
  }
}

Result<ObjectRef> WriteSession::PutObject(std::string_view bytes) {
  return PutObject(bytes, HashContent(bytes));
}

Result<ObjectRef> WriteSession::PutObject(std::string_view bytes, const Hash128& hash) {
  VENEER_TRY(const ObjectRef ref, objects_.Put(bytes, hash));
  Wrote(ref);
  return ref;
}

Result<std::unique_ptr<ObjectWriter>> WriteSession::NewObject() {
  std::string path = NewName("object");
  Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!fd) return MakeError(Errno{errno}, path);
  return std::make_unique<ObjectWriter>(*this, std::move(path), std::move(fd));
}

Result<ObjectRef> WriteSession::MoveStaged(const std::string& path, int fd, const Hash128& hash) {
  VENEER_TRY(const ObjectRef ref, objects_.Move(AT_FDCWD, path, fd, hash));
  Wrote(ref);
  return ref;
}

Result<ObjectRef> WriteSession::PutObjectFrom(int fd) {
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

Result<void> WriteSession::WithCopy(
    int fd, uint64_t size, FunctionRef<Result<void>(const std::string& path, int copy)> use) {
  const std::string path = NewName("object");
  const Fd copy(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!copy) return MakeError(Errno{errno}, path);
  const auto fill = [&]() -> Result<void> {
    VENEER_TRY_CTX_VOID(sys::CopyData(fd, copy.get(), size), path);
    VENEER_TRY_CTX_VOID(sys::Truncate(copy.get(), size), path);
    return use(path, copy.get());
  };
  Result<void> done = fill();
  if (!done) unlink(path.c_str());
  return done;
}

Result<ObjectRef> WriteSession::LinkObject(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return MakeError(Errno{errno}, "read contents");
  if (!S_ISREG(st.st_mode)) return MakeError(Errno{EINVAL}, "read contents");
  if (st.st_nlink == 1 && IsReadable(st)) {
    VENEER_TRY_CTX(const Hash128 hash, HashContentOf(fd), "read contents");
    const std::lock_guard lock(written_->linking);
    const Result<ObjectRef> linked = objects_.Link(fd, hash, &written_->linked);
    if (linked) {
      Wrote(*linked);
      return linked;
    }
    const int code = linked.error().code();
    // ENOENT: there is no /proc.
    if (code != EXDEV && code != EPERM && code != EMLINK && code != ENOENT) return linked;
  }
  return PutObjectFrom(fd);
}

Result<void> WriteSession::PublishLinked(FunctionRef<Result<void>()> publish) {
  const std::lock_guard lock(written_->linking);
  // When it fails, it may have been done all the same: what is not needed is left to prune.
  const std::set<ObjectRef> linked = std::exchange(written_->linked, {});
  Keep();
  VENEER_TRY_VOID(publish());
  for (const ObjectRef& ref : linked) {
    if (const Sys<Fd> fd = objects_.OpenObject(ref); fd) Strip(fd->get());
  }
  return {};
}

Result<void> WriteSession::Sync() {
  std::vector<ObjectRef> objects;
  bool all = false;
  {
    const std::lock_guard lock(written_->mu);
    objects.swap(written_->objects);
    all = std::exchange(written_->too_many, false);
  }
  const std::string& root = store_.path();
  if (all) {
    VENEER_TRY_CTX_VOID(sys::SyncFs(lock_.get()), root);
    return {};
  }
  for (const ObjectRef& ref : objects) {
    VENEER_TRY_CTX(const Fd fd, objects_.OpenObject(ref), root + "/objects/" + ObjectPath(ref));
    VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), true), root + "/objects/" + ObjectPath(ref));
  }
  return objects.empty() ? Result<void>() : objects_.SyncNames(objects);
}

}  // namespace veneer
