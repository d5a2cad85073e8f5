// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/build_cache_rows.h"
#include "tools/cli/commands.h"
#include "tools/format/table.h"

namespace veneer {

namespace {

struct BuilderDuArguments {
  std::string format;
  std::vector<std::string> filters;
  bool verbose = false;
  bool bytes = false;
};

// "Total:\t\t1B": as wide as the longest of these words.
void PrintWord(std::string_view word, const std::string& value) {
  PrintLine(std::string(word) + (word.size() < 7 ? ":\t\t" : ":\t") + Printable(value));
}

void PrintVerbose(const std::vector<Json>& rows) {
  constexpr std::pair<const char*, const char*> kWords[] = {
      {"ID", "ID"},           {"Parent", "Parents"},          {"Created at", "CreatedAt"},
      {"Mutable", "Mutable"}, {"Reclaimable", "Reclaimable"}, {"Shared", "Shared"},
      {"Size", "Size"},       {"Description", "Description"}, {"Last used", "LastUsedSince"},
      {"Type", "Type"}};
  for (const Json& row : rows) {
    for (const auto& [word, field] : kWords) {
      const std::string value = row[field].get<std::string>();
      if (!value.empty()) PrintWord(word, value);
    }
    PrintLine("");
  }
}

void PrintSums(const std::vector<CacheEntry>& entries, bool bytes) {
  uint64_t shared = 0;
  uint64_t reclaimable = 0;
  uint64_t total = 0;
  for (const CacheEntry& entry : entries) {
    total += entry.bytes;
    if (entry.shared) shared += entry.bytes;
    if (!entry.in_use) reclaimable += entry.own_bytes();
  }
  const auto print = [&](std::string_view word, uint64_t size) {
    PrintWord(word, ShowSize(size, bytes, kSizeDigits));
  };
  if (shared > 0) {
    print("Shared", shared);
    print("Private", total - shared);
  }
  print("Reclaimable", reclaimable);
  print("Total", total);
}

Result<int> BuilderDu(Context& context, const BuilderDuArguments& arguments) {
  VENEER_TRY(const ListFormat format,
             ListFormat::Parse(BuildCacheShape(), arguments.format, false));
  VENEER_TRY(const CacheChoice choice, ParseBuildCacheFilters(arguments.filters));
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(std::vector<CacheEntry> entries, ListBuildCache(*store));
  std::erase_if(entries, [&](const CacheEntry& entry) { return !Matches(choice, entry); });
  BuildCacheShow show;
  show.bytes = arguments.bytes;
  show.whole_ids = arguments.verbose || !arguments.format.empty();
  show.descriptions = arguments.verbose || format.Needs("Description");
  std::vector<Json> rows = BuildCacheRows(*store, entries, show);
  if (arguments.verbose) {
    PrintVerbose(rows);
  } else if (!arguments.format.empty() || !rows.empty()) {
    VENEER_TRY(const std::string text, format.Render(std::move(rows)));
    PrintData(text);
  }
  if (arguments.format.empty()) PrintSums(entries, arguments.bytes);
  return 0;
}

}  // namespace

CommandSpec BuilderDuCommand() {
  auto arguments = std::make_shared<BuilderDuArguments>();
  return {
      .name = "du",
      .summary = "List the cache of builds, with its space",
      .options =
          {
              Option("-v,--verbose", &arguments->verbose, "All that is known of each")
                  .Excluding({"--format"}),
              {"--filter", &arguments->filters, BuildCacheFilterValue(), kBuildCacheFilterHelp},
              {"--format", &arguments->format, WordsValue("FORMAT", {"table", "json"}),
               "table, 'table TEMPLATE', json, or a Go template for each line"},
              {"--bytes", &arguments->bytes, "Sizes in bytes"},
          },
      .run = [arguments](Context& context) { return BuilderDu(context, *arguments); },
  };
}

}  // namespace veneer
