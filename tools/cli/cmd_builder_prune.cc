// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/step_results.h"
#include "tools/cli/build_cache_rows.h"
#include "tools/cli/build_options.h"
#include "tools/cli/commands.h"
#include "tools/cli/confirm.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

struct BuilderPruneArguments {
  bool all = false;
  bool force = false;
  bool bytes = false;
  std::vector<std::string> filters;
  std::string keep;
};

constexpr const char* kWarnDanglingCache = "This will remove all dangling build cache.";
constexpr const char* kWarnAllCache = "This will remove all build cache.";

// Directories that builds used lately stay, unless something says which are meant.
Result<CacheChoice> ReadChoice(const BuilderPruneArguments& arguments) {
  VENEER_TRY(CacheChoice choice, ParseBuildCacheFilters(arguments.filters));
  if (!arguments.keep.empty()) {
    VENEER_TRY(choice.keep, ReadSize("--keep-storage", arguments.keep));
  }
  if (!arguments.all && arguments.filters.empty() && !choice.keep) {
    choice.directories_until = Now();
    choice.directories_until->sec -= kKeepDirectoriesSeconds;
  }
  return choice;
}

Result<int> BuilderPrune(Context& context, const BuilderPruneArguments& arguments) {
  VENEER_TRY(const CacheChoice choice, ReadChoice(arguments));
  if (!arguments.force &&
      !Confirm(arguments.all ? kWarnAllCache : kWarnDanglingCache, arguments.filters)) {
    PrintLine("Total:\t0B");
    return 0;
  }
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  RemoveDeadContainers(*store);
  VENEER_TRY(const std::vector<CacheEntry> entries, ListBuildCache(*store));
  VENEER_TRY(const RemovedFromCache removed,
             RemoveFromBuildCache(*store, entries, ChooseFromCache(entries, choice)));
  // Docker's --all takes what images share too: the next build makes every step.
  if (arguments.all && arguments.filters.empty() && !choice.keep) {
    VENEER_TRY_VOID(store->step_results().Clear());
  }
  if (!removed.entries.empty()) {
    BuildCacheShow show;
    show.bytes = arguments.bytes;
    VENEER_TRY(const ListFormat format, ListFormat::Parse(BuildCacheShape(), "", false));
    VENEER_TRY(const std::string text,
               format.Render(BuildCacheRows(*store, removed.entries, show)));
    PrintData(text);
  }
  PrintLine("Total:\t" + ShowSize(removed.bytes_freed, arguments.bytes, kSizeDigits));
  if (removed.writers_active) {
    return MakeError(
        "a build, import or commit is running; no step was removed, try again behind it",
        ExitCode::kInUse);
  }
  return 0;
}

}  // namespace

CommandSpec BuilderPruneCommand() {
  auto arguments = std::make_shared<BuilderPruneArguments>();
  return {
      .name = "prune",
      .summary = "Remove the cache of builds",
      .options =
          {
              {"-a,--all", &arguments->all,
               "Also cache directories that were used in the last two days, and what is known of "
               "the steps of images"},
              {"-f,--force", &arguments->force, "Do not ask"},
              {"--bytes", &arguments->bytes, "Sizes in bytes"},
              {"--filter", &arguments->filters, BuildCacheFilterValue(), kBuildCacheFilterHelp},
              Option("--max-used-space,--keep-storage", &arguments->keep, TextValue("SIZE"),
                     "Keep what was used last, up to this size")
                  .AlsoNamed("--reserved-space"),
          },
      .run = [arguments](Context& context) { return BuilderPrune(context, *arguments); },
  };
}

}  // namespace veneer
