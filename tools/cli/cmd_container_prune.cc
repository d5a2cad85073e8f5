// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/walk.h"
#include "tools/cli/commands.h"
#include "tools/cli/confirm.h"
#include "tools/format/list_filter.h"
#include "tools/format/moment.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct ContainerPruneArguments {
  bool force = false;
  bool bytes = false;
  std::vector<std::string> filters;
};

constexpr const char* kWarning =
    "This will remove all containers that are not mounted, with what was written in them.";

// The earliest of what `until` says; nullopt: it says nothing.
Result<std::optional<Timestamp>> Until(const ContainerPruneArguments& arguments) {
  VENEER_TRY(const ListFilters filters, ParseFilters(arguments.filters, {"until"}));
  const Timestamp now = Now();
  std::optional<Timestamp> until;
  for (const std::string& text : FilterValues(filters, "until")) {
    VENEER_TRY(const Timestamp time, ParseMoment(text, now));
    if (!until || time < *until) until = time;
  }
  return until;
}

// Those that nothing mounts or runs in. Which they are is asked outside of the user namespace,
// where mounts can be seen.
Result<std::vector<std::string>> ChooseContainers(Store& store,
                                                  const std::optional<Timestamp>& until) {
  std::vector<std::string> names;
  VENEER_TRY(const std::vector<ContainerRecord> containers, store.containers().List());
  for (const ContainerRecord& container : containers) {
    if (until && !(container.created < *until)) continue;
    VENEER_TRY(const MountStatus status, StatusOf(store, container));
    if (status.state == MountState::kNone) names.push_back(container.name);
  }
  return names;
}

Result<int> ContainerPrune(Context& context, const ContainerPruneArguments& arguments) {
  VENEER_TRY(const std::optional<Timestamp> until, Until(arguments));
  uint64_t freed = 0;
  if (arguments.force || Confirm(kWarning, arguments.filters)) {
    std::vector<std::string> names;
    {
      VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
      VENEER_TRY(names, ChooseContainers(*store, until));
    }
    context.EnterUserNamespaceIfPossible();
    VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
    if (!names.empty()) PrintLine("Deleted Containers:");
    VENEER_TRY(const int code, ForEachTarget(names, [&](const std::string& name) -> Result<void> {
                 const uint64_t size =
                     TreeMeasure().Of(store->layout().upper(name)).value_or(TreeSize()).contents;
                 VENEER_TRY_VOID(RemoveContainer(*store, name));
                 freed += size;
                 PrintLine(name);
                 return {};
               }));
    RemoveDeadContainers(*store);
    if (code != 0) return code;
    if (!names.empty()) PrintLine("");
  }
  PrintLine("Total reclaimed space: " + ShowSize(freed, arguments.bytes, kSizeDigits));
  return 0;
}

}  // namespace

CommandSpec ContainerPruneCommand() {
  auto arguments = std::make_shared<ContainerPruneArguments>();
  return {
      .name = "prune",
      .summary = "Remove all containers that are not mounted",
      .options =
          {
              {"-f,--force", &arguments->force, "Do not ask"},
              {"--bytes", &arguments->bytes, "The size in bytes"},
              {"--filter", &arguments->filters, FiltersValue("FILTER", {"until="}),
               "Only containers that are older (until=24h, until=2024-01-31)"},
          },
      .run = [arguments](Context& context) { return ContainerPrune(context, *arguments); },
  };
}

}  // namespace veneer
