// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct Options {
  std::string from;
  std::string to;
};

Result<int> Rename(Context& context, const Options& options) {
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY_VOID(FindContainer(*store, options.from));
  VENEER_TRY(const ContainerLock lock, store->containers().Lock(options.from));
  VENEER_TRY(const ContainerRecord container, store->containers().Get(options.from));
  VENEER_TRY(const MountStatus status, StatusOf(*store, container));
  // A daemon and a session know the container by its directory, which goes by its name.
  if (status.state != MountState::kNone) {
    return MakeError("container " + options.from + " is in use" +
                         (status.mount_point.empty() ? "" : ", mounted at " + status.mount_point) +
                         "; `veneer umount " + options.from + "` first",
                     ExitCode::kInUse);
  }
  RemoveStaleStubs(*store, container, status);
  VENEER_TRY_VOID(store->containers().Rename(options.from, options.to));
  return 0;
}

}  // namespace

CommandSpec RenameCommand() {
  auto options = std::make_shared<Options>();
  return {
      .name = "rename",
      .summary = "Give a container that is not mounted another name",
      .positionals = {{ContainerValue(), &options->from, "The container"},
                      {TextValue("NEW-NAME"), &options->to, "Its new name"}},
      .run = [options](Context& context) { return Rename(context, *options); },
  };
}

}  // namespace veneer
