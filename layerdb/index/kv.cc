// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/kv.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "layerdb/base/fd.h"
#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/sys.h"
#include "layerdb/index/file_map.h"
#include "layerdb/index/lmdb_util.h"
#include "layerdb/index/page_check.h"

namespace veneer {

struct KvTxn::Impl {
  const std::string& path;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  bool map_full = false;  // a Put or Erase found the map full
};

struct KvDatabase::State {
  std::string path;  // of the data file
  Fd lock;
  Mutex mu;                   // guards the flock too, which is one per descriptor
  MdbEnv env GUARDED_BY(mu);  // null: closed behind a failure; Begin() opens it
  size_t map_size GUARDED_BY(mu) = 0;
  MDB_dbi dbi GUARDED_BY(mu) = 0;
  bool has_dbi GUARDED_BY(mu) = false;

  // REQUIRES: the flock too.
  Result<MdbTxn> Begin(unsigned flags) REQUIRES(mu);
  void Close() REQUIRES(mu);
};

namespace {

// An absent or empty file is none yet. What is looked at are the pages in use, where they lie.
// REQUIRES: nobody writes meanwhile.
Result<void> CheckFile(const std::string& path) {
  const Sys<Fd> fd = sys::OpenFollowing(path, O_RDONLY);
  if (!fd && fd.error().code == ENOENT) return {};
  if (!fd) return MakeError(fd.error(), path);
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd->get()}), path);
  if (st.st_size == 0) return {};
  VENEER_TRY_CTX(const FileMap map,
                 FileMap::Of(fd->get(), static_cast<uint64_t>(st.st_size), FileMap::Use::kSome),
                 path);
  const Result<void> checked = CheckDatabase(map.bytes());
  if (checked) return {};
  return DamageError(path + " is damaged (" + checked.error().message() + ")");
}

// More than the pages that a short transaction adds to the file, with their list of free pages.
constexpr off_t kReserve = off_t{64} << 10;

void KeepReserve(MDB_env* env) {
  int fd = -1;
  struct stat st;
  if (mdb_env_get_fd(env, &fd) != 0 || fstat(fd, &st) != 0) return;
  if (st.st_blocks * 512 >= st.st_size + kReserve) return;
  // Twice as much, so that this is not needed again each time.
  IgnoreError(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, st.st_size + 2 * kReserve),
              "the disk is full already, or the file system does not know how");
}

// flock(2) for one transaction.
class FileLock {
 public:
  static Result<FileLock> Lock(int fd, LockMode mode, const std::string& path) {
    VENEER_TRY_CTX_VOID(TakeLock(fd, mode, kForever), "lock " + path);
    return FileLock(fd);
  }
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock() {
    if (fd_ >= 0) IgnoreError(sys::Lock(fd_, LOCK_UN), "the descriptor holds no lock then");
  }

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace

Result<std::optional<std::string_view>> KvTxn::Get(std::string_view key) const {
  MDB_val k = ToVal(key);
  MDB_val v;
  const int rc = mdb_get(impl_->txn, impl_->dbi, &k, &v);
  if (rc == MDB_NOTFOUND) return std::nullopt;
  if (rc != 0) return MdbError(rc, impl_->path);
  return FromVal(v);
}

Result<void> KvTxn::Scan(
    std::string_view prefix,
    FunctionRef<bool(std::string_view key, std::string_view value)> sink) const {
  MDB_cursor* raw = nullptr;
  if (const int rc = mdb_cursor_open(impl_->txn, impl_->dbi, &raw); rc != 0) {
    return MdbError(rc, impl_->path);
  }
  const MdbCursor cursor(raw);
  MDB_val k = ToVal(prefix);
  MDB_val v;
  int rc = mdb_cursor_get(raw, &k, &v, prefix.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (rc == 0 && FromVal(k).substr(0, prefix.size()) == prefix) {
    if (!sink(FromVal(k), FromVal(v))) return {};
    rc = mdb_cursor_get(raw, &k, &v, MDB_NEXT);
  }
  if (rc != 0 && rc != MDB_NOTFOUND) return MdbError(rc, impl_->path);
  return {};
}

Result<void> KvTxn::Put(std::string_view key, std::string_view value) {
  if (key.empty() || key.size() > 500) return MakeError(Errno{EINVAL}, impl_->path);
  MDB_val k = ToVal(key);
  MDB_val v = ToVal(value);
  const int rc = mdb_put(impl_->txn, impl_->dbi, &k, &v, 0);
  if (rc == MDB_MAP_FULL) impl_->map_full = true;
  if (rc != 0) return MdbError(rc, impl_->path);
  return {};
}

Result<void> KvTxn::Erase(std::string_view key) {
  MDB_val k = ToVal(key);
  const int rc = mdb_del(impl_->txn, impl_->dbi, &k, nullptr);
  if (rc == MDB_MAP_FULL) impl_->map_full = true;
  if (rc != 0 && rc != MDB_NOTFOUND) return MdbError(rc, impl_->path);
  return {};
}

KvDatabase::KvDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
KvDatabase::~KvDatabase() = default;

Result<std::unique_ptr<KvDatabase>> KvDatabase::Open(const std::string& dir, uint64_t initial_map) {
  VENEER_TRY_CTX_VOID(EnsureDir(dir, 0700), dir);
  auto state = std::make_unique<State>();
  state->path = dir + "/data.mdb";
  const std::string lock_path = dir + "/lock";
  VENEER_TRY_CTX(state->lock, sys::OpenFollowing(lock_path, O_RDWR | O_CREAT, 0600), lock_path);
  // LMDB writes its first pages while it opens a new file: one process at a time.
  VENEER_TRY(const FileLock lock,
             FileLock::Lock(state->lock.get(), LockMode::kExclusive, lock_path));
  VENEER_TRY_VOID(CheckFile(state->path));
  const MutexLock guard(state->mu);
  state->map_size = initial_map;
  VENEER_TRY(state->env, OpenMdbEnv(state->path, 0, initial_map));
  return std::unique_ptr<KvDatabase>(new KvDatabase(std::move(state)));
}

Result<MdbTxn> KvDatabase::State::Begin(unsigned flags) {
  if (!env) {
    VENEER_TRY(env, OpenMdbEnv(path, 0, map_size));
  }
  MDB_txn* raw = nullptr;
  int rc = mdb_txn_begin(env.get(), nullptr, flags, &raw);
  if (rc == MDB_MAP_RESIZED) {
    // Another process made it larger. Nothing else runs in this environment: take the file's size.
    rc = mdb_env_set_mapsize(env.get(), 0);
    if (rc == 0) rc = mdb_txn_begin(env.get(), nullptr, flags, &raw);
  }
  if (rc != 0) return MdbError(rc, path);
  MdbTxn txn(raw);
  if (!has_dbi) {
    rc = mdb_dbi_open(raw, nullptr, 0, &dbi);
    if (rc != 0) return MdbError(rc, path);
    has_dbi = true;
  }
  return txn;
}

// An environment in which a commit has failed refuses everything from then on (MDB_PANIC), whatever
// the disk says by then.
void KvDatabase::State::Close() {
  env.reset();
  has_dbi = false;
}

Result<void> KvDatabase::Read(FunctionRef<Result<void>(const KvTxn&)> body) {
  const MutexLock guard(state_->mu);
  VENEER_TRY(const FileLock lock,
             FileLock::Lock(state_->lock.get(), LockMode::kShared, state_->path));
  VENEER_TRY(const MdbTxn txn, state_->Begin(MDB_RDONLY));
  KvTxn::Impl impl{state_->path, txn.get(), state_->dbi};
  KvTxn view;
  view.impl_ = &impl;
  return body(view);
}

Result<void> KvDatabase::Write(FunctionRef<Result<void>(KvTxn&)> body) {
  const MutexLock guard(state_->mu);
  VENEER_TRY(const FileLock lock,
             FileLock::Lock(state_->lock.get(), LockMode::kExclusive, state_->path));
  for (;;) {
    VENEER_TRY(MdbTxn txn, state_->Begin(0));
    KvTxn::Impl impl{state_->path, txn.get(), state_->dbi};
    KvTxn view;
    view.impl_ = &impl;
    Result<void> result = body(view);
    if (!impl.map_full) {
      if (!result) return result;
      const int rc = mdb_txn_commit(txn.release());
      if (rc == 0) {
        KeepReserve(state_->env.get());
        if (IsLogged(LogLevel::kDebug)) LogDebug("committed a transaction to " + state_->path);
        return {};
      }
      if (rc != MDB_MAP_FULL) {
        state_->Close();
        return MdbError(CommitError(rc, state_->path), state_->path);
      }
    }
    txn.reset();
    MDB_envinfo info;
    if (const int rc = mdb_env_info(state_->env.get(), &info); rc != 0) {
      return MdbError(rc, state_->path);
    }
    if (const int rc = mdb_env_set_mapsize(state_->env.get(), 2 * info.me_mapsize); rc != 0) {
      return MdbError(rc, state_->path);
    }
  }
}

}  // namespace veneer
