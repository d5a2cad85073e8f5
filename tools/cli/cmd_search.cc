// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>

#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"
#include "layerdb/model/reference.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/registry_options.h"
#include "tools/format/list_filter.h"
#include "tools/format/list_format.h"
#include "tools/format/table.h"
#include "tools/registry/registry_search.h"
#include "tools/registry/short_name.h"

namespace veneer {

namespace {

struct SearchArguments {
  std::string term;
  std::string limit = "25";
  std::vector<std::string> filters;
  std::string format;
  bool no_trunc = false;
  RegistryOptions registry;
};

constexpr size_t kMaxLimit = 100;
constexpr size_t kDescriptionWidth = 45;

ListShape SearchShape() {
  ListShape shape;
  shape.fields = {{"Name", "NAME"},
                  {"Description", "DESCRIPTION"},
                  {"StarCount", "STARS"},
                  {"IsOfficial", "OFFICIAL"},
                  {"IsAutomated", "AUTOMATED"}};
  shape.table = "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}";
  shape.raw =
      "name: {{.Name}}\ndescription: {{.Description}}\nstars: {{.StarCount}}\n"
      "official: {{.IsOfficial}}\n";
  shape.quiet = "{{.Name}}";
  return shape;
}

struct SearchFilter {
  int64_t stars = 0;
  std::optional<bool> official;
  std::optional<bool> automated;

  bool Wants(const FoundRepository& found) const {
    return found.stars >= stars && official.value_or(found.official) == found.official &&
           automated.value_or(found.automated) == found.automated;
  }
};

Result<SearchFilter> ParseSearchFilter(const std::vector<std::string>& words) {
  VENEER_TRY(const ListFilters filters,
             ParseFilters(words, {"stars", "is-official", "is-automated"}));
  SearchFilter filter;
  VENEER_TRY(filter.official, FilterSwitch(filters, "is-official"));
  VENEER_TRY(filter.automated, FilterSwitch(filters, "is-automated"));
  for (const std::string& text : FilterValues(filters, "stars")) {
    int64_t stars = 0;
    if (!ParseNumber(text, &stars)) {
      return MakeError("--filter stars=" + PrintablePath(text) + ": not a number",
                       ExitCode::kUsage);
    }
    filter.stars = std::max(filter.stars, stars);
  }
  return filter;
}

// "registry.example:5000" and "app" of "registry.example:5000/app"; without a host it is Docker
// Hub's.
std::pair<std::string, std::string> SplitTerm(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    const std::string host = text.substr(0, slash);
    if (IsRegistryHost(host)) return {host, text.substr(slash + 1)};
  }
  return {std::string(kDefaultDomain), text};
}

Json RowOf(const FoundRepository& found, bool whole) {
  std::string description = found.description;
  for (char& c : description) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  description = Printable(description);
  Json row;
  row["Name"] = PrintablePath(found.name);
  row["Description"] = whole ? description : Ellipsis(description, kDescriptionWidth);
  row["StarCount"] = std::to_string(found.stars);
  row["IsOfficial"] = found.official ? "[OK]" : "";
  row["IsAutomated"] = found.automated ? "[OK]" : "";
  return row;
}

Result<int> Search(const SearchArguments& arguments) {
  VENEER_TRY(const ListFormat format,
             ListFormat::Parse(SearchShape(), arguments.format, /*quiet=*/false));
  VENEER_TRY(const SearchFilter filter, ParseSearchFilter(arguments.filters));
  size_t limit = 0;
  if (!ParseNumber(arguments.limit, &limit) || limit == 0 || limit > kMaxLimit) {
    return MakeError("--limit " + PrintablePath(arguments.limit) + ": not a number from 1 to 100",
                     ExitCode::kUsage);
  }
  const auto [host, term] = SplitTerm(arguments.term);
  Interrupt interrupt;
  VENEER_TRY(const std::unique_ptr<RegistryAccess> access,
             OpenRegistries(arguments.registry, interrupt.cancellation()));
  VENEER_TRY(Endpoint endpoint, access->config().EndpointOf(host));
  const bool hub = endpoint.host == kHubServer;
  if (hub) endpoint.host = kHubSearchServer;
  VENEER_TRY(const std::unique_ptr<RegistryClient> client, access->ClientOf(std::move(endpoint)));
  Result<std::vector<FoundRepository>> found =
      SearchRegistry(*client, term, limit, /*has_catalogue=*/!hub,
                     [&](const FoundRepository& one) { return filter.Wants(one); });
  if (!found) {
    interrupt.EndIfAsked();
    return tl::unexpected(std::move(found).error());
  }
  std::ranges::stable_sort(*found, std::ranges::greater(), &FoundRepository::stars);
  std::vector<Json> rows;
  for (const FoundRepository& one : *found) rows.push_back(RowOf(one, arguments.no_trunc));
  VENEER_TRY(const std::string text, format.Render(std::move(rows)));
  PrintData(text);
  return 0;
}

}  // namespace

CommandSpec SearchCommand() {
  auto arguments = std::make_shared<SearchArguments>();
  CommandSpec command = {
      .name = "search",
      .summary = "Look for images at Docker Hub or another registry",
      .positionals = {{TextValue("TERM"), &arguments->term,
                       "A part of a name, as in nginx or registry.example:5000/app"}},
      .options =
          {
              {"-f,--filter", &arguments->filters,
               FiltersValue("KEY=VALUE", {"stars=", "is-official=", "is-automated="}),
               "Only some: stars=N (at least so many), is-official=BOOL, is-automated=BOOL"},
              {"--limit", &arguments->limit, TextValue("N"), "At most so many; default 25"},
              {"--no-trunc", &arguments->no_trunc, "Whole descriptions"},
              {"--format", &arguments->format, ListFormatValue(), kListFormatHelp},
          },
      .run = [arguments](Context&) { return Search(*arguments); },
  };
  AddRegistryOptions(&command, &arguments->registry);
  return command;
}

}  // namespace veneer
