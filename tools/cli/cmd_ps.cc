// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/image/table.h"
#include "tools/image/time_format.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct Options {
  bool all = false;
  bool quiet = false;
  bool no_trunc = false;
};

std::string StatusWords(const ContainerRecord& container, const MountStatus& status) {
  switch (status.state) {
    case MountState::kMounted: return "Mounted";
    case MountState::kSession: return status.unmounting ? "Unmounting" : "In use";
    case MountState::kDead: return "Dead mount";
    case MountState::kNone: break;
  }
  return IsWanted(container) ? "Not mounted" : "Dead";
}

std::string ImageWords(const ContainerRecord& container, bool whole) {
  if (container.image_name.empty()) return ShowId(container.image_id, whole);
  return container.image_name;
}

Result<int> Ps(Context& context, const Options& options) {
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(std::vector<ContainerRecord> containers, store->containers().List());
  const Timestamp now = Now();
  Table table({"NAME", "IMAGE", "IMAGE ID", "CREATED", "STATUS", "MOUNT POINT"});
  for (auto container = containers.rbegin(); container != containers.rend();
       ++container) {  // newest first
    VENEER_TRY(const MountStatus status, StatusOf(*store, *container));
    if (!options.all && status.state == MountState::kNone) continue;
    if (options.quiet) {
      PrintLine(container->name);
      continue;
    }
    table.Add({container->name, ImageWords(*container, options.no_trunc),
               ShowId(container->image_id, options.no_trunc), HumanAge(container->created, now),
               StatusWords(*container, status), status.mount_point});
  }
  if (!options.quiet) Print(table.ToString());
  return 0;
}

}  // namespace

void AddPsCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("ps", "List containers that are mounted or in use");
  command->add_flag("-a,--all", options->all, "All containers");
  command->add_flag("-q,--quiet", options->quiet, "Only the names");
  command->add_flag("--no-trunc", options->no_trunc, "Whole ids");
  command->callback([&context, options] {
    context.action = [&context, options] { return Ps(context, *options); };
  });
}

}  // namespace veneer
