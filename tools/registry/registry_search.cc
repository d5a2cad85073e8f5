// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registry_search.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "layerdb/base/log.h"
#include "tools/format/json.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

// Docker's form has its results on numbered pages; no client asks for the second.
constexpr size_t kMaxResults = 100;

Result<FoundRepository> ParseResult(const Json& item) {
  if (!item.is_object()) return MakeError("an item of \"results\" is not an object");
  FoundRepository found;
  VENEER_TRY(found.name, GetStringOrEmpty(item, "name"));
  VENEER_TRY(found.description, GetStringOrEmpty(item, "description"));
  VENEER_TRY(const std::optional<bool> official, GetBool(item, "is_official"));
  VENEER_TRY(const std::optional<bool> automated, GetBool(item, "is_automated"));
  found.official = official.value_or(false);
  found.automated = automated.value_or(false);
  if (const auto stars = item.find("star_count"); stars != item.end() && !stars->is_null()) {
    if (!stars->is_number_integer()) return MakeError("\"star_count\" is not a number");
    const bool huge = stars->is_number_unsigned() && stars->get<uint64_t>() > INT64_MAX;
    found.stars = huge ? INT64_MAX : stars->get<int64_t>();
  }
  if (found.name.empty()) return MakeError("an item of \"results\" has no name");
  return found;
}

}  // namespace

Result<std::vector<FoundRepository>> SearchRegistry(
    RegistryClient& client, const std::string& term, size_t limit, bool has_catalogue,
    const std::function<bool(const FoundRepository&)>& wanted) {
  std::vector<FoundRepository> found;
  const std::string& host = client.endpoint().host;
  const auto take = [&](FoundRepository one) {
    if (found.size() < limit && wanted(one)) found.push_back(std::move(one));
  };
  bool answered = false;  // in that form
  const auto take_results = [&](const Json& page) -> Result<bool> {
    VENEER_TRY(const Json* const results, GetArray(page, "results"));
    answered = results != nullptr;
    if (!answered) return MakeError("it has no \"results\"");
    for (const Json& item : *results) {
      VENEER_TRY(FoundRepository one, ParseResult(item));
      take(std::move(one));
    }
    return false;
  };
  const std::string count = std::to_string(std::min(limit, kMaxResults));
  Result<void> searched = client.ForEachPage("/v1/search?q=" + EscapeForUrl(term) + "&n=" + count,
                                             "", "search at " + host, take_results);
  if (searched) return found;
  // Whoever cannot be reached has no catalogue either.
  const int code = searched.error().code();
  const bool reached = code == 0 || code == ENOENT || code == EACCES || code == EPROTO;
  if (answered || !reached || !has_catalogue) {
    return tl::unexpected(std::move(searched).error());
  }
  LogDebug(searched.error().message() + "; the catalogue is read");
  bool listed = false;
  const auto take_names = [&](const Json& page) -> Result<bool> {
    VENEER_TRY(auto names, GetStrings(page, "repositories"));
    if (!names) return MakeError("it has no \"repositories\"");
    listed = true;
    for (std::string& name : *names) {
      if (name.find(term) == std::string::npos) continue;
      FoundRepository one;
      one.name = std::move(name);
      take(std::move(one));
    }
    return found.size() < limit;
  };
  const auto read = [&](const std::string& pages) {
    return client.ForEachPage("/v2/_catalog" + pages, "registry:catalog:*", "catalogue of " + host,
                              take_names);
  };
  Result<void> whole = read("?n=1000");
  // An administrator may allow smaller pages only.
  if (!whole && !listed && whole.error().code() == EPROTO) whole = read("");
  if (!whole) return tl::unexpected(std::move(whole).error());
  return found;
}

}  // namespace veneer
