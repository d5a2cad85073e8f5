// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/catalog.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

namespace veneer {
namespace {

constexpr std::string_view kMadeKey = "store";
constexpr std::string_view kMadeValue = "1";

namespace fs = std::filesystem;

bool IsEmptyDirectory(const std::string& path) {
  std::error_code error;
  return fs::directory_iterator(path, error) == fs::directory_iterator();
}

// True when the store holds a layer, an object or a container.
bool KeepsAnything(const StoreLayout& layout) {
  if (!IsEmptyDirectory(layout.layers()) || !IsEmptyDirectory(layout.containers())) return true;
  std::error_code error;
  const fs::directory_iterator shards(layout.objects(), error);
  return std::any_of(begin(shards), end(shards), [](const fs::directory_entry& shard) {
    return !IsEmptyDirectory(shard.path().string());
  });
}

tl::unexpected<Error> Lost(const StoreLayout& layout, const char* why) {
  return tl::unexpected<Error>(Error(
      layout.catalog_file() + " is " + why + ", but the store is not empty; run `veneer fsck`",
      ExitCode::kFailed, EUCLEAN));
}

struct Found {
  bool made = false;     // it says that it was made
  bool records = false;  // it says anything
};

Result<Found> Look(const KvTxn& txn) {
  Found found;
  VENEER_TRY(const auto made, txn.Get(kMadeKey));
  found.made = made.has_value();
  VENEER_TRY_VOID(txn.Scan("", [&](std::string_view, std::string_view) {
    found.records = true;
    return false;
  }));
  return found;
}

}  // namespace

Result<std::unique_ptr<KvDatabase>> OpenCatalog(const StoreLayout& layout) {
  // First of all: what another process keeps after this moment it keeps after having made the catalog.
  const bool keeps = KeepsAnything(layout);
  if (keeps) {
    struct stat st;
    const int failed = stat(layout.catalog_file().c_str(), &st);
    if (failed != 0 && errno == ENOENT) return Lost(layout, "missing");
    if (failed == 0 && st.st_size == 0) return Lost(layout, "empty");
  }
  VENEER_TRY(std::unique_ptr<KvDatabase> catalog, KvDatabase::Open(layout.catalog()));
  Found found;
  VENEER_TRY_VOID(catalog->Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(found, Look(txn));
    return {};
  }));
  if (found.made) return catalog;
  if (keeps && !found.records) return Lost(layout, "empty");
  const Result<void> marked =
      catalog->Write([](KvTxn& txn) { return txn.Put(kMadeKey, kMadeValue); });
  // A catalog of before this mark was introduced gets it as soon as there is room.
  if (!marked && !found.records) return tl::unexpected(marked.error());
  return catalog;
}

}  // namespace veneer
