// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/index_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"
#include "layerdb/index/file_map.h"
#include "layerdb/index/index_writer.h"
#include "layerdb/index/page_check.h"

namespace veneer {
namespace {

// A transaction is committed after this many pages, well below what LMDB can hold dirty at once.
constexpr uint64_t kTxnPages = 100'000;
// What one change may touch beside its own data: the path from the root, and a split of every page
// on it.
constexpr uint64_t kPathPages = 12;

Result<void> WriteSeal(const std::string& path, uint64_t data_size, uint32_t page_size,
                       const IndexSummary& summary, bool durable) {
  VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(path), O_RDWR), path);
  // LMDB does not write a last page that became free again; the file then ends before it.
  VENEER_TRY_CTX_VOID(sys::Truncate(fd.get(), data_size), path);
  Seal seal;
  seal.page_size = page_size;
  seal.data_size = data_size;
  seal.summary = summary;
  {
    VENEER_TRY_CTX(const FileMap map, FileMap::Of(fd.get(), data_size, FileMap::Use::kAll), path);
    seal.checksum = Xxh128(map.bytes());
  }
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), EncodeSeal(seal), data_size), path);
  if (durable) VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), true), path);
  return {};
}

}  // namespace

tl::unexpected<Error> DamagedIndex(const std::string& path, std::string_view why) {
  return DamageError("index " + path + " is damaged (" + std::string(why) + ")");
}

Result<VerifiedIndex> VerifyIndexFile(const std::string& path) {
  // Not blocked by a fifo in its place. A user may have linked to an index.
  VENEER_TRY_CTX(const Fd fd, sys::OpenFollowing(path, O_RDONLY | O_NONBLOCK), "index " + path);
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd.get()}), "index " + path);
  if (!S_ISREG(st.st_mode)) return MakeError("index " + path + ": not a regular file");
  const auto size = static_cast<uint64_t>(st.st_size);
  if (size < kSealSize) return DamagedIndex(path, "it is cut short");

  std::string bytes(kSealSize, '\0');
  VENEER_TRY_CTX(const size_t n,
                 sys::ReadAt(fd.get(), bytes.data(), bytes.size(), size - kSealSize),
                 "index " + path);
  bytes.resize(n);
  Result<Seal> seal = DecodeSeal(bytes, size);
  if (!seal) return DamagedIndex(path, seal.error().message());

  VENEER_TRY_CTX(const FileMap map, FileMap::Of(fd.get(), seal->data_size, FileMap::Use::kAll),
                 "index " + path);
  if (Xxh128(map.bytes()) != seal->checksum) {
    return DamagedIndex(path, "its checksum does not match");
  }
  Result<uint64_t> first = CheckPages(map.bytes(), seal->page_size);
  if (!first) return DamagedIndex(path, first.error().message());
  return VerifiedIndex{*seal, *first, st.st_dev, st.st_ino};
}

Result<std::unique_ptr<IndexBuild>> IndexBuild::Create(const std::string& path,
                                                       uint64_t initial_map) {
  VENEER_TRY_CTX_VOID(sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, 0644), path);
  return Start(path, true, initial_map);
}

Result<std::unique_ptr<IndexBuild>> IndexBuild::OpenUnsealed(const std::string& path) {
  struct stat st;
  if (stat(path.c_str(), &st) != 0) return MakeError(Errno{errno}, path);
  return Start(path, false, 2 * static_cast<uint64_t>(st.st_size) + kIndexInitialMap);
}

Result<std::unique_ptr<IndexBuild>> IndexBuild::Start(const std::string& path, bool created,
                                                      uint64_t map_size) {
  std::unique_ptr<IndexBuild> build(new IndexBuild(path, created));
  build->map_size_ = map_size;
  // The file is nobody else's until it is published, so LMDB need not write in a safe order.
  VENEER_TRY(build->env_, OpenMdbEnv(path, MDB_NOSYNC, build->map_size_));
  MDB_stat stat;
  if (const int rc = mdb_env_stat(build->env_.get(), &stat); rc != 0) return MdbError(rc, path);
  build->page_size_ = stat.ms_psize;
  VENEER_TRY_VOID(build->Begin());
  if (const int rc = mdb_dbi_open(build->txn_.get(), nullptr, 0, &build->dbi_); rc != 0) {
    return MdbError(rc, path);
  }
  return build;
}

IndexBuild::~IndexBuild() {
  if (finished_ || !created_) return;
  txn_.reset();
  env_.reset();
  IgnoreError(sys::Unlink(sys::Path(path_)), "prune does the rest");
}

Result<void> IndexBuild::Begin() {
  MDB_txn* txn = nullptr;
  if (const int rc = mdb_txn_begin(env_.get(), nullptr, 0, &txn); rc != 0) {
    return MdbError(rc, path_);
  }
  txn_.reset(txn);
  MDB_envinfo info;
  if (const int rc = mdb_env_info(env_.get(), &info); rc != 0) return MdbError(rc, path_);
  budget_ = std::min(kTxnPages, map_size_ / page_size_ - info.me_last_pgno - 1);
  return {};
}

Result<void> IndexBuild::Commit() {
  if (const int rc = mdb_txn_commit(txn_.release()); rc != 0) {
    return MdbError(CommitError(rc, path_), path_);
  }
  return {};
}

Result<void> IndexBuild::Reserve(uint64_t pages) {
  if (pages <= budget_) {
    budget_ -= pages;
    return {};
  }
  VENEER_TRY_VOID(Commit());
  MDB_envinfo info;
  if (const int rc = mdb_env_info(env_.get(), &info); rc != 0) return MdbError(rc, path_);
  const uint64_t needed = (info.me_last_pgno + 1 + pages + kTxnPages) * page_size_;
  if (needed > map_size_) {
    map_size_ = 2 * needed;
    if (const int rc = mdb_env_set_mapsize(env_.get(), map_size_); rc != 0) {
      return MdbError(rc, path_);
    }
  }
  VENEER_TRY_VOID(Begin());
  budget_ -= std::min(budget_, pages);
  return {};
}

uint64_t IndexBuild::PagesFor(std::string_view key, std::string_view value, PutMode mode) const {
  const uint64_t node = 32 + key.size() + value.size();
  // Larger nodes than half a page go to pages of their own.
  const uint64_t own = node > page_size_ / 2 ? node / page_size_ + 1 : 0;
  // Appending fills page after page; the path is touched once per page, which the 1/8 covers.
  return own + (mode == PutMode::kAppend ? 1 : kPathPages);
}

Result<bool> IndexBuild::Put(std::string_view key, std::string_view value, PutMode mode) {
  VENEER_TRY_VOID(Reserve(PagesFor(key, value, mode)));
  MDB_val k = ToVal(key);
  MDB_val v = ToVal(value);
  const unsigned flags = mode == PutMode::kAppend ? MDB_APPEND
                         : mode == PutMode::kNew  ? MDB_NOOVERWRITE
                                                  : 0;
  const int rc = mdb_put(txn_.get(), dbi_, &k, &v, flags);
  if (rc == MDB_KEYEXIST && mode == PutMode::kNew) return false;
  if (rc != 0) return MdbError(rc, path_);
  return true;
}

Result<bool> IndexBuild::Erase(std::string_view key) {
  VENEER_TRY_VOID(Reserve(kPathPages));
  MDB_val k = ToVal(key);
  const int rc = mdb_del(txn_.get(), dbi_, &k, nullptr);
  if (rc == MDB_NOTFOUND) return false;
  if (rc != 0) return MdbError(rc, path_);
  return true;
}

Result<std::optional<std::string_view>> IndexBuild::Get(std::string_view key) const {
  MDB_val k = ToVal(key);
  MDB_val v;
  const int rc = mdb_get(txn_.get(), dbi_, &k, &v);
  if (rc == MDB_NOTFOUND) return std::nullopt;
  if (rc != 0) return MdbError(rc, path_);
  return FromVal(v);
}

Result<void> IndexBuild::Scan(
    std::string_view prefix,
    FunctionRef<bool(std::string_view key, std::string_view value)> sink) const {
  MDB_cursor* raw = nullptr;
  if (const int rc = mdb_cursor_open(txn_.get(), dbi_, &raw); rc != 0) return MdbError(rc, path_);
  const MdbCursor cursor(raw);
  MDB_val k = ToVal(prefix);
  MDB_val v;
  int rc = mdb_cursor_get(raw, &k, &v, MDB_SET_RANGE);
  while (rc == 0 && FromVal(k).substr(0, prefix.size()) == prefix) {
    if (!sink(FromVal(k), FromVal(v))) return {};
    rc = mdb_cursor_get(raw, &k, &v, MDB_NEXT);
  }
  if (rc != 0 && rc != MDB_NOTFOUND) return MdbError(rc, path_);
  return {};
}

Result<void> IndexBuild::Finish(const IndexSummary& summary, bool durable) {
  VENEER_TRY_VOID(Commit());
  MDB_envinfo info;
  if (const int rc = mdb_env_info(env_.get(), &info); rc != 0) return MdbError(rc, path_);
  const uint64_t data_size = (info.me_last_pgno + 1) * page_size_;
  env_.reset();
  VENEER_TRY_VOID(WriteSeal(path_, data_size, static_cast<uint32_t>(page_size_), summary, durable));
  finished_ = true;
  return {};
}

}  // namespace veneer
