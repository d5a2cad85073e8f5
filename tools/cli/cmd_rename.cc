// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct RenameArguments {
  std::string from;
  std::string to;
};

Result<int> Rename(Context& context, const RenameArguments& arguments) {
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY_VOID(FindContainer(*store, arguments.from));
  VENEER_TRY(const ContainerLock lock, store->containers().Lock(arguments.from));
  VENEER_TRY(const ContainerRecord container, store->containers().Get(arguments.from));
  VENEER_TRY(const MountStatus status, StatusOf(*store, container));
  // A daemon and a session know the container by its directory, which goes by its name.
  if (status.state != MountState::kNone) {
    return MakeError("container " + arguments.from + " is in use" +
                         (status.mount_point.empty() ? "" : ", mounted at " + status.mount_point) +
                         "; `veneer umount " + arguments.from + "` first",
                     ExitCode::kInUse);
  }
  RemoveStaleStubs(*store, container, status);
  VENEER_TRY_VOID(store->containers().Rename(arguments.from, arguments.to));
  return 0;
}

}  // namespace

CommandSpec RenameCommand() {
  auto arguments = std::make_shared<RenameArguments>();
  return {
      .name = "rename",
      .summary = "Give a container that is not mounted another name",
      .positionals = {{ContainerValue(), &arguments->from, "The container"},
                      {TextValue("NEW-NAME"), &arguments->to, "Its new name"}},
      .run = [arguments](Context& context) { return Rename(context, *arguments); },
  };
}

}  // namespace veneer
