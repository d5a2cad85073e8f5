// SPDX-License-Identifier: Apache-2.0
//
// KvDatabase: a small read-write key-value database for several processes: what the catalog is kept
// in. One writer at a time, any number of readers.
//
// The lock is flock(2) on a file beside the data, shared for reading and exclusive for writing. It
// replaces LMDB's own lock file: a killed process leaves nothing behind, neither a lock nor a slot
// in a reader table, and it works across pid namespaces. Transactions are short, so readers and the
// writer do not wait for each other noticeably. The map grows when it is full.
//
// Thread-safety: all methods may be called from several threads at once; transactions of one
// KvDatabase run one after the other.
#ifndef VENEER_LAYERDB_INDEX_KV_H_
#define VENEER_LAYERDB_INDEX_KV_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

// One transaction. Values read are valid until the transaction ends or writes.
class KvTxn {
 public:
  Result<std::optional<std::string_view>> Get(std::string_view key) const;
  // All keys that start with `prefix`, in byte order, until `sink` returns false. `sink` must not
  // write.
  Result<void> Scan(std::string_view prefix,
                    FunctionRef<bool(std::string_view key, std::string_view value)> sink) const;
  // Only in Write(). Keys are 1 to 500 bytes.
  Result<void> Put(std::string_view key, std::string_view value);
  // An absent key is no error.
  Result<void> Erase(std::string_view key);

 private:
  friend class KvDatabase;
  KvTxn() = default;
  struct Impl;
  Impl* impl_ = nullptr;
};

class KvDatabase {
 public:
  // Opens or makes the database in directory `dir` (made when absent, mode 0700). LMDB believes
  // what it finds in the file, so this is checked first (page_check.h): a file that is damaged or
  // cut short is an error of code EUCLEAN, which names it. `initial_map`: bytes of address space to
  // begin with.
  static Result<std::unique_ptr<KvDatabase>> Open(const std::string& dir,
                                                  uint64_t initial_map = uint64_t{4} << 20);
  ~KvDatabase();
  KvDatabase(const KvDatabase&) = delete;
  KvDatabase& operator=(const KvDatabase&) = delete;

  // Runs `body` on one consistent state.
  Result<void> Read(FunctionRef<Result<void>(const KvTxn&)> body);
  // Runs `body` and commits, durably, when it succeeds; nothing is changed when it fails. `body`
  // may run more than once (when the map had to grow), so it must change nothing that cannot be
  // changed twice. `body` must not use this database otherwise. A little space is kept allocated
  // behind the end of the file, where the file system can, so that a full disk does not keep
  // anybody from erasing what fills it.
  Result<void> Write(FunctionRef<Result<void>(KvTxn&)> body);

 private:
  struct State;
  explicit KvDatabase(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_KV_H_
