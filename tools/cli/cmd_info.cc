// SPDX-License-Identifier: Apache-2.0
#include <sys/statvfs.h>

#include "tools/cli/commands.h"
#include "tools/image/table.h"
#include "tools/run/container_mount.h"
#include "tools/run/fuse_mount.h"
#include "tools/run/process.h"
#include "tools/run/user_namespace.h"

namespace veneer {

namespace {

// A program that only some uses need.
void PrintHelper(const char* name, const char* package) {
  const Result<std::string> path = FindProgram(name);
  PrintLine(std::string(name) + ": " +
            (path ? *path : "missing (package " + std::string(package) + ")"));
}

void PrintIds(const char* what, const std::vector<IdExtent>& extents, const char* file) {
  PrintLine(std::string(what) + MappingWords(extents) +
            (extents.size() > 1 ? "" : " only; " + std::string(file) + " grants no others"));
}

Result<int> Info(Context& context) {
  VENEER_TRY(const std::string path, context.StorePath());
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(const auto images, store->images().List());
  VENEER_TRY(const auto containers, store->containers().List());
  size_t mounted = 0;
  for (const ContainerRecord& container : containers) {
    VENEER_TRY(const MountStatus status, StatusOf(*store, container));
    if (status.state == MountState::kMounted) ++mounted;
  }
  const Result<std::string> daemon = FindProgram("veneerfs");
  struct statvfs disk = {};
  PrintLine("Version: " VENEER_VERSION);
  PrintLine("Store: " + path);
  if (::statvfs(path.c_str(), &disk) == 0) {
    PrintLine("Free space: " + HumanSize(uint64_t{disk.f_bavail} * disk.f_frsize));
  }
  PrintLine("Images: " + std::to_string(images.size()));
  PrintLine("Containers: " + std::to_string(containers.size()));
  PrintLine("Mounted: " + std::to_string(mounted));
  PrintLine("veneerfs: " + (daemon ? *daemon : "missing (" + daemon.error().message() + ")"));
  const Result<Fd> fuse = OpenFuseDevice();
  PrintLine("FUSE: " + (fuse ? "/dev/fuse can be opened" : fuse.error().message()));
  PrintHelper("fusermount3", "fuse3");
  PrintHelper("newuidmap", "uidmap");
  if (IsOrdinaryUser()) {
    const UserMapping mapping = MappingOfUser();
    PrintIds("User ids: ", mapping.uids, "/etc/subuid");
    PrintIds("Group ids: ", mapping.gids, "/etc/subgid");
  }
  return 0;
}

}  // namespace

void AddInfoCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("info", "Show the store and what is needed to use it");
  command->callback([&context] { context.action = [&context] { return Info(context); }; });
}

void AddVersionCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("version", "Show the version");
  command->callback([&context] {
    context.action = []() -> Result<int> {
      PrintLine("veneer " VENEER_VERSION);
      return 0;
    };
  });
}

}  // namespace veneer
