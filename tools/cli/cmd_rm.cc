// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/run/container_mount.h"
#include "tools/run/user_namespace.h"

namespace veneer {

namespace {

struct RmArguments {
  std::vector<std::string> names;
  bool force = false;
};

// Unmounting needs fusermount3, which is nobody's business inside a user namespace: it comes first.
Result<void> UnmountForRemoval(Store& store, const std::string& name, bool force) {
  VENEER_TRY_VOID(FindContainer(store, name));
  VENEER_TRY(const ContainerLock lock, store.containers().Lock(name));
  VENEER_TRY(const ContainerRecord container, store.containers().Get(name));
  VENEER_TRY(const MountStatus status, StatusOf(store, container));
  if (status.state == MountState::kNone) return {};
  if (force) return DetachContainer(store, container);
  if (status.state == MountState::kMounted) {
    return MakeError("container " + name + " is mounted at " + status.mount_point +
                         "; unmount it first, or use --force",
                     ExitCode::kInUse);
  }
  return UnmountContainer(store, container, false);
}

Result<void> RemoveOne(Store& store, const std::string& name) {
  // It was there a moment ago: the session that was ended may have been faster to remove a
  // container of its own.
  if (Result<void> removed = RemoveContainer(store, name);
      !removed && removed.error().exit() != ExitCode::kNotFound) {
    return removed;
  }
  PrintLine(name);
  return {};
}

Result<int> Rm(Context& context, const RmArguments& arguments) {
  std::vector<std::string> removable;
  int first_code = 0;
  {
    VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
    VENEER_TRY(
        first_code, ForEachTarget(arguments.names, [&](const std::string& name) -> Result<void> {
          Result<void> unmounted = UnmountForRemoval(*store, name, arguments.force);
          if (!unmounted && arguments.force && unmounted.error().exit() == ExitCode::kNotFound) {
            PrintError(unmounted.error());  // as Docker: that was wanted
            return {};
          }
          VENEER_TRY_VOID(unmounted);
          removable.push_back(name);
          return {};
        }));
  }
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const int code, ForEachTarget(removable, [&](const std::string& name) {
               return RemoveOne(*store, name);
             }));
  RemoveDeadContainers(*store);
  return first_code != 0 ? first_code : code;
}

}  // namespace

CommandSpec RmCommand() {
  auto arguments = std::make_shared<RmArguments>();
  return {
      .name = "rm",
      .summary = "Remove containers and their changes",
      .positionals = {{ContainerValue(), &arguments->names, "The containers"}},
      .options = {{"-f,--force", &arguments->force,
                   "Remove containers in use, too: unmount them, and end their sessions"}},
      .run = [arguments](Context& context) { return Rm(context, *arguments); },
  };
}

}  // namespace veneer
