// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/catalog.h"

#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "layerdb/base/files.h"

namespace veneer {
namespace {

constexpr std::string_view kMadeKey = "store";
constexpr std::string_view kMadeValue = "1";

// What cannot be read counts as empty: the store is refused for other reasons then.
bool IsEmptyDirectory(const std::string& path) {
  const Sys<std::vector<std::string>> names = NamesIn(path);
  return !names || names->empty();
}

// True when the store holds a layer, an object or a container.
bool KeepsAnything(const StoreLayout& layout) {
  if (!IsEmptyDirectory(layout.layers()) || !IsEmptyDirectory(layout.containers())) return true;
  const Sys<std::vector<std::string>> shards = NamesIn(layout.objects());
  return shards && std::ranges::any_of(*shards, [&](const std::string& shard) {
           return !IsEmptyDirectory(layout.objects() + "/" + shard);
         });
}

tl::unexpected<Error> LostCatalog(const StoreLayout& layout, const char* why) {
  return DamageError(layout.catalog_file() + " is " + why + ", but the store is not empty");
}

struct CatalogState {
  bool made = false;     // it says that it was made
  bool records = false;  // it says anything
};

Result<CatalogState> ReadState(const KvTxn& txn) {
  CatalogState state;
  VENEER_TRY(const auto made, txn.Get(kMadeKey));
  state.made = made.has_value();
  VENEER_TRY_VOID(txn.Scan("", [&](std::string_view, std::string_view) {
    state.records = true;
    return false;
  }));
  return state;
}

}  // namespace

Result<std::unique_ptr<KvDatabase>> OpenCatalog(const StoreLayout& layout) {
  // First of all: what another process keeps after this moment it keeps after having made the
  // catalog.
  const bool keeps = KeepsAnything(layout);
  if (keeps) {
    struct stat st;
    const int failed = stat(layout.catalog_file().c_str(), &st);
    if (failed != 0 && errno == ENOENT) return LostCatalog(layout, "missing");
    if (failed == 0 && st.st_size == 0) return LostCatalog(layout, "empty");
  }
  VENEER_TRY(std::unique_ptr<KvDatabase> catalog, KvDatabase::Open(layout.catalog()));
  CatalogState state;
  VENEER_TRY_VOID(catalog->Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(state, ReadState(txn));
    return {};
  }));
  if (state.made) return catalog;
  if (keeps && !state.records) return LostCatalog(layout, "empty");
  const Result<void> marked =
      catalog->Write([](KvTxn& txn) { return txn.Put(kMadeKey, kMadeValue); });
  // A catalog of before this mark was introduced gets it as soon as there is room.
  if (!marked && !state.records) return tl::unexpected(marked.error());
  return catalog;
}

}  // namespace veneer
