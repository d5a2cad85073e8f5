// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_diff.h"
#include "tools/cli/commands.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

Result<int> Diff(Context& context, const std::string& name) {
  VENEER_TRY_VOID(context.EnterUserNamespaceIfNeeded());
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const ContainerRecord container, FindContainer(*store, name));
  VENEER_TRY(const MountStatus status, StatusOf(*store, container));
  RemoveStaleStubs(*store, container, status);
  VENEER_TRY_VOID(SyncContainer(status));
  VENEER_TRY(const std::vector<DiffEntry> entries, DiffContainer(*store, container));
  for (const DiffEntry& entry : entries) {
    PrintLine(std::string(1, static_cast<char>(entry.kind)) + " " + entry.path);
  }
  return 0;
}

}  // namespace

void AddDiffCommand(CLI::App& app, Context& context) {
  auto name = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("diff", "List what a container added (A), changed (C) and deleted (D)");
  command->add_option("container", *name, "The container")->required()->type_name("CONTAINER");
  command->callback(
      [&context, name] { context.action = [&context, name] { return Diff(context, *name); }; });
}

}  // namespace veneer
