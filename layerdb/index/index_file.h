// SPDX-License-Identifier: Apache-2.0
//
// What reading and writing an index file have in common: verifying one, and building one inside a
// single LMDB transaction (or a few, when it is very large). For the other files of this module.
#ifndef VENEER_LAYERDB_INDEX_INDEX_FILE_H_
#define VENEER_LAYERDB_INDEX_INDEX_FILE_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/index/lmdb_util.h"
#include "layerdb/index/seal.h"

namespace veneer {

struct VerifiedIndex {
  Seal seal;
  uint64_t first_value = 0;  // offset of the root's record
  dev_t dev = 0;             // which file it was
  ino_t ino = 0;
};

// Checks the seal, the checksum and the structure of an index file.
Result<VerifiedIndex> VerifyIndexFile(const std::string& path);

// "index FILE is damaged (why); run `veneer fsck`".
tl::unexpected<Error> DamagedIndex(const std::string& path, std::string_view why);

// The writing side. Not thread-safe. REQUIRES of all methods but the last: not finished.
class IndexBuild {
 public:
  // Makes `path`, which must not exist; it is removed again unless Finish() succeeds.
  // `initial_map`: bytes of address space to begin with; more is taken when needed.
  static Result<std::unique_ptr<IndexBuild>> Create(const std::string& path, uint64_t initial_map);
  // Opens an unsealed LMDB file (an index whose seal was cut off) for changing.
  static Result<std::unique_ptr<IndexBuild>> OpenUnsealed(const std::string& path);
  ~IndexBuild();
  IndexBuild(const IndexBuild&) = delete;
  IndexBuild& operator=(const IndexBuild&) = delete;

  const std::string& path() const { return path_; }

  enum class PutMode { kAppend, kNew, kReplace };
  // kAppend: the key is behind all others. kNew: false when the key is there already.
  Result<bool> Put(std::string_view key, std::string_view value, PutMode mode);
  // False when there was no such key.
  Result<bool> Erase(std::string_view key);
  // Valid until the next change.
  Result<std::optional<std::string_view>> Get(std::string_view key) const;
  // All keys with this prefix, in order. `sink` must not change anything; it returns false to stop.
  Result<void> Scan(std::string_view prefix,
                    FunctionRef<bool(std::string_view key, std::string_view value)> sink) const;

  // Commits, closes, and writes the seal.
  Result<void> Finish(const IndexSummary& summary, bool durable);

 private:
  IndexBuild(std::string path, bool created) : path_(std::move(path)), created_(created) {}
  static Result<std::unique_ptr<IndexBuild>> Start(const std::string& path, bool created,
                                                   uint64_t map_size);
  Result<void> Begin();
  Result<void> Commit();
  // Makes sure that a change which touches at most this many pages fits into the map.
  Result<void> Reserve(uint64_t pages);
  uint64_t PagesFor(std::string_view key, std::string_view value, PutMode mode) const;

  const std::string path_;
  const bool created_;
  bool finished_ = false;
  MdbEnv env_;
  MdbTxn txn_;
  MDB_dbi dbi_ = 0;
  uint64_t map_size_ = 0;
  uint64_t page_size_ = 4096;
  uint64_t budget_ = 0;  // pages that surely still fit
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_INDEX_FILE_H_
