// SPDX-License-Identifier: Apache-2.0
//
// The cache of builds as `builder du`, `builder prune` and `system df` show it: in the words of
// Docker's buildx.
#ifndef VENEER_TOOLS_CLI_BUILD_CACHE_ROWS_H_
#define VENEER_TOOLS_CLI_BUILD_CACHE_ROWS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/build/build_cache.h"
#include "tools/cli/command.h"
#include "tools/format/list_format.h"

namespace veneer {

struct BuildCacheShow {
  bool whole_ids = false;
  bool bytes = false;
  bool descriptions = false;  // a config is read for each step
};

// ID, RECLAIMABLE, SIZE and LAST ACCESSED.
ListShape BuildCacheShape();
std::vector<Json> BuildCacheRows(const Store& store, const std::vector<CacheEntry>& entries,
                                 const BuildCacheShow& show);

// The filters of both commands.
Value BuildCacheFilterValue();
inline constexpr std::string_view kBuildCacheFilterHelp =
    "Only what builds used last before (until=24h, until=2024-01-31), one by its id (id=ID), steps "
    "(type=regular) or cache directories (type=exec.cachemount)";
Result<CacheChoice> ParseBuildCacheFilters(const std::vector<std::string>& filters);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_BUILD_CACHE_ROWS_H_
