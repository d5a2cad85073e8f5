// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/slice_table.h"

#include <unistd.h>

#include <cstring>

#include "layerdb/base/log.h"

namespace veneer {
namespace {

constexpr const char* kFile = "/data.mdb";
// Key: the hash of the contents. Value: the object's hash, its collision number, the offset; numbers as LMDB's own.
constexpr size_t kValueSize = sizeof(Hash128) + sizeof(uint32_t) + sizeof(uint64_t);

std::string_view KeyOf(const Hash128& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string Encode(const ObjectSlice& slice) {
  std::string value(kValueSize, '\0');
  char* out = value.data();
  std::memcpy(out, slice.object.hash.data(), sizeof(Hash128));
  std::memcpy(out + sizeof(Hash128), &slice.object.seq, sizeof(uint32_t));
  std::memcpy(out + sizeof(Hash128) + sizeof(uint32_t), &slice.offset, sizeof(uint64_t));
  return value;
}

std::optional<ObjectSlice> Decode(std::string_view value) {
  if (value.size() != kValueSize) return std::nullopt;
  ObjectSlice slice;
  const char* in = value.data();
  std::memcpy(slice.object.hash.data(), in, sizeof(Hash128));
  std::memcpy(&slice.object.seq, in + sizeof(Hash128), sizeof(uint32_t));
  std::memcpy(&slice.offset, in + sizeof(Hash128) + sizeof(uint32_t), sizeof(uint64_t));
  return slice;
}

}  // namespace

bool SliceTable::Exists(const std::string& dir) {
  return ::access((dir + kFile).c_str(), F_OK) == 0;
}

Result<std::unique_ptr<SliceTable>> SliceTable::Open(const std::string& dir) {
  Result<std::unique_ptr<KvDatabase>> database = KvDatabase::Open(dir);
  if (!database && database.error().code() == EUCLEAN) {
    LogWarning("the table of small contents, " + dir + kFile +
               ", is damaged; it is made anew, and nothing is lost by it");
    ::unlink((dir + kFile).c_str());
    database = KvDatabase::Open(dir);
  }
  if (!database) return tl::unexpected(std::move(database).error());
  return std::unique_ptr<SliceTable>(new SliceTable(*std::move(database)));
}

Result<std::vector<std::optional<ObjectSlice>>> SliceTable::Find(std::span<const Hash128> hashes) {
  std::vector<std::optional<ObjectSlice>> found(hashes.size());
  VENEER_TRY_VOID(database_->Read([&](const KvTxn& txn) -> Result<void> {
    for (size_t i = 0; i < hashes.size(); ++i) {
      VENEER_TRY(const auto value, txn.Get(KeyOf(hashes[i])));
      if (value) found[i] = Decode(*value);
    }
    return {};
  }));
  return found;
}

Result<void> SliceTable::Add(std::span<const Known> slices) {
  return database_->Write([&](KvTxn& txn) -> Result<void> {
    for (const Known& known : slices) {
      VENEER_TRY_VOID(txn.Put(KeyOf(known.hash), Encode(known.slice)));
    }
    return {};
  });
}

Result<void> SliceTable::Forget(FunctionRef<bool(const ObjectRef&)> is_kept) {
  return database_->Write([&](KvTxn& txn) -> Result<void> {
    std::vector<std::string> gone;
    VENEER_TRY_VOID(txn.Scan("", [&](std::string_view key, std::string_view value) {
      const std::optional<ObjectSlice> slice = Decode(value);
      if (!slice || !is_kept(slice->object)) gone.emplace_back(key);
      return true;
    }));
    for (const std::string& key : gone) VENEER_TRY_VOID(txn.Erase(key));
    return {};
  });
}

}  // namespace veneer
