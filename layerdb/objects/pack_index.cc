// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/pack_index.h"

#include <unistd.h>

#include <cstring>

#include "layerdb/base/files.h"
#include "layerdb/base/log.h"

namespace veneer {
namespace {

constexpr const char* kFile = "/data.mdb";
// Key: the hash of the contents. Value: the object's hash, its collision number, the offset;
// numbers as LMDB's own.
constexpr size_t kValueSize = sizeof(Hash128) + sizeof(uint32_t) + sizeof(uint64_t);

std::string_view KeyOf(const Hash128& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string Encode(const PackExtent& extent) {
  std::string value(kValueSize, '\0');
  char* out = value.data();
  std::memcpy(out, extent.object.hash.data(), sizeof(Hash128));
  std::memcpy(out + sizeof(Hash128), &extent.object.seq, sizeof(uint32_t));
  std::memcpy(out + sizeof(Hash128) + sizeof(uint32_t), &extent.offset, sizeof(uint64_t));
  return value;
}

std::optional<PackExtent> Decode(std::string_view value) {
  if (value.size() != kValueSize) return std::nullopt;
  PackExtent extent;
  const char* in = value.data();
  std::memcpy(extent.object.hash.data(), in, sizeof(Hash128));
  std::memcpy(&extent.object.seq, in + sizeof(Hash128), sizeof(uint32_t));
  std::memcpy(&extent.offset, in + sizeof(Hash128) + sizeof(uint32_t), sizeof(uint64_t));
  return extent;
}

}  // namespace

bool PackIndex::Exists(const std::string& dir) { return veneer::Exists(dir + kFile); }

Result<std::unique_ptr<PackIndex>> PackIndex::Open(const std::string& dir) {
  Result<std::unique_ptr<KvDatabase>> database = KvDatabase::Open(dir);
  if (!database && database.error().code() == EUCLEAN) {
    LogWarning("the table of small contents, " + dir + kFile +
               ", is damaged; it is made anew, and nothing is lost by it");
    IgnoreError(RemoveFile(dir + kFile), "the next opening says so");
    database = KvDatabase::Open(dir);
  }
  if (!database) return tl::unexpected(std::move(database).error());
  return std::unique_ptr<PackIndex>(new PackIndex(*std::move(database)));
}

Result<std::vector<std::optional<PackExtent>>> PackIndex::Find(std::span<const Hash128> hashes) {
  std::vector<std::optional<PackExtent>> found(hashes.size());
  VENEER_TRY_VOID(database_->Read([&](const KvTxn& txn) -> Result<void> {
    for (size_t i = 0; i < hashes.size(); ++i) {
      VENEER_TRY(const auto value, txn.Get(KeyOf(hashes[i])));
      if (value) found[i] = Decode(*value);
    }
    return {};
  }));
  return found;
}

Result<void> PackIndex::Add(std::span<const Entry> entries) {
  return database_->Write([&](KvTxn& txn) -> Result<void> {
    for (const Entry& entry : entries) {
      VENEER_TRY_VOID(txn.Put(KeyOf(entry.hash), Encode(entry.extent)));
    }
    return {};
  });
}

Result<void> PackIndex::Forget(FunctionRef<bool(const ObjectRef&)> is_kept) {
  return database_->Write([&](KvTxn& txn) -> Result<void> {
    std::vector<std::string> gone;
    VENEER_TRY_VOID(txn.Scan("", [&](std::string_view key, std::string_view value) {
      const std::optional<PackExtent> extent = Decode(value);
      if (!extent || !is_kept(extent->object)) gone.emplace_back(key);
      return true;
    }));
    for (const std::string& key : gone) VENEER_TRY_VOID(txn.Erase(key));
    return {};
  });
}

}  // namespace veneer
