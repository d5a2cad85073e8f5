// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/mount_table.h"
#include "tools/cli/commands.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct UmountArguments {
  std::vector<std::string> targets;
  bool lazy = false;
};

// The container whose mount is at `path`.
Result<std::string> ContainerAt(const Store& store, const std::string& path) {
  VENEER_TRY(const std::string absolute, AbsolutePath(path));
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  const auto entry = FindMountAt(table, absolute);
  const std::string prefix = store.layout().containers() + "/";
  if (!entry || entry->type != kVeneerfsType || !entry->source.starts_with(prefix)) {
    return MakeError("no container of this store is mounted at " + absolute);
  }
  return entry->source.substr(prefix.size());
}

// A container of this name, else what is mounted there: "mnt" may be either.
Result<std::string> NameOf(Store& store, const std::string& target) {
  if (target.find('/') != std::string::npos) return ContainerAt(store, target);
  Result<ContainerRecord> container = FindContainer(store, target);
  if (container) return target;
  if (Result<std::string> mounted = ContainerAt(store, target)) return mounted;
  return tl::unexpected(std::move(container).error());
}

Result<void> UmountOne(Store& store, const std::string& target, bool lazy) {
  VENEER_TRY(const std::string name, NameOf(store, target));
  VENEER_TRY(const ContainerLock lock, store.containers().Lock(name));
  VENEER_TRY(const ContainerRecord container, store.containers().Get(name));
  return UnmountContainer(store, container, lazy);
}

Result<int> Umount(Context& context, const UmountArguments& arguments) {
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  return ForEachTarget(arguments.targets, [&](const std::string& target) {
    return UmountOne(*store, target, arguments.lazy);
  });
}

}  // namespace

CommandSpec UmountCommand() {
  auto arguments = std::make_shared<UmountArguments>();
  return {
      .name = "umount",
      .summary = "Unmount containers; their changes stay",
      .positionals = {{ContainerOrDirectoryValue(), &arguments->targets,
                       "Containers, or the directories they are mounted at"}},
      .options = {{"-l,--lazy", &arguments->lazy,
                   "Also while files are in use: the mount ends with the last of them"}},
      .run = [arguments](Context& context) { return Umount(context, *arguments); },
  };
}

}  // namespace veneer
