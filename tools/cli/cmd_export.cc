// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_export.h"
#include "tools/archive/archive_output.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct ExportArguments {
  std::string container;
  std::optional<std::string> output;
};

// Brings what was written to a mounted container where it can be read.
Result<ContainerRecord> Prepare(Store& store, const std::string& name) {
  VENEER_TRY(ContainerRecord container, FindContainer(store, name));
  VENEER_TRY(const ContainerLock lock, store.containers().Lock(container.name));
  VENEER_TRY(const MountStatus status, StatusOf(store, container));
  RemoveStaleStubs(store, container, status);
  VENEER_TRY_VOID(SyncContainer(status));
  return container;
}

Result<void> WriteTo(Store& store, const ExportArguments& arguments, const Cancellation* cancel) {
  VENEER_TRY(const ContainerRecord container, Prepare(store, arguments.container));
  VENEER_TRY(const std::unique_ptr<ArchiveOutput> output,
             ArchiveOutput::Open(arguments.output, cancel));
  VENEER_TRY_VOID(ExportContainer(store, container, cancel,
                                  [&](std::string_view bytes) { return output->Write(bytes); }));
  return output->Commit();
}

Result<int> Export(Context& context, const ExportArguments& arguments) {
  VENEER_TRY_VOID(context.EnterUserNamespaceIfNeeded());
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  Interrupt interrupt;
  if (const Result<void> done = WriteTo(*store, arguments, interrupt.cancellation()); !done) {
    interrupt.EndIfAsked();
    return tl::unexpected(done.error());
  }
  return 0;
}

}  // namespace

CommandSpec ExportCommand() {
  auto arguments = std::make_shared<ExportArguments>();
  return {
      .name = "export",
      .summary = "Write the tree of a container as one tar archive",
      .positionals = {{ContainerValue(), &arguments->container, "The container"}},
      .options = {{"-o,--output", &arguments->output, FileValue("FILE"),
                   "A file; standard output when left out"}},
      .run = [arguments](Context& context) { return Export(context, *arguments); },
  };
}

}  // namespace veneer
