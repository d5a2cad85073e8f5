// SPDX-License-Identifier: Apache-2.0
//
// PackIndex: tells which small contents are in the store already, and where: the contents that
// PackWriter put side by side into one object. By their hash, so whoever uses an answer compares
// the bytes first.
//
// It is knowledge that can be lost. It lies in a database of its own, beside the catalog; when that
// is damaged it is made anew, an entry whose object has gone is no harm, and without the table
// contents are only kept twice.
//
// Thread-safety: none; one for each writer.
#ifndef VENEER_LAYERDB_OBJECTS_PACK_INDEX_H_
#define VENEER_LAYERDB_OBJECTS_PACK_INDEX_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "layerdb/base/files.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/hash.h"
#include "layerdb/base/result.h"
#include "layerdb/index/kv.h"
#include "layerdb/index/records.h"

namespace veneer {

// A part of an object.
struct PackExtent {
  ObjectRef object;
  uint64_t offset = 0;
};

class PackIndex {
 public:
  static bool Exists(const std::string& dir);
  // `dir`: where the database lies; made when it is missing.
  static Result<std::unique_ptr<PackIndex>> Open(const std::string& dir);

  // What is known of these contents, in their order.
  Result<std::vector<std::optional<PackExtent>>> Find(std::span<const Hash128> hashes);

  struct Entry {
    Hash128 hash;
    PackExtent extent;
  };
  // Durable when it returns.
  Result<void> Add(std::span<const Entry> entries);
  // Forgets what lies in objects that `is_kept` says no of.
  Result<void> Forget(FunctionRef<bool(const ObjectRef&)> is_kept);

 private:
  explicit PackIndex(std::unique_ptr<KvDatabase> database) : database_(std::move(database)) {}

  const std::unique_ptr<KvDatabase> database_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_OBJECTS_PACK_INDEX_H_
