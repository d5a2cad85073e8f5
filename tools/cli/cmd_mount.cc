// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/cli/missing_image.h"
#include "tools/run/container_mount.h"
#include "tools/run/new_container.h"

namespace veneer {

namespace {

struct MountArguments {
  std::string target;
  std::string mount_point;
  std::string name;
  bool read_only = false;
  std::vector<std::string> options;
  MissingImageOptions missing;
};

const Value kMountOptions = {
    .name = "OPTIONS",
    .words = {"suid", "nosuid", "dev", "nodev", "exec", "noexec", "atime", "noatime", "noacl",
              "volatile", "allow_other", "io=cached", "io=passthrough"},
    .form = Value::Form::kList,
};

Result<ContainerRecord> ContainerFor(Store& store, const ContainerOrImage& found,
                                     const std::string& name) {
  if (found.container) return *found.container;
  return NewContainer(store, {name, found.image->image.id, NameOfImage(*found.image), false, {}});
}

Result<int> Mount(Context& context, const MountArguments& arguments) {
  VENEER_TRY(const std::unique_ptr<Store> store, OpenStoreToPull(context, arguments.missing));
  VENEER_TRY(const ContainerOrImage found,
             FindContainerOrPullImage(*store, arguments.target, arguments.missing));
  if (found.container && !arguments.name.empty()) {
    return MakeError("--name names a new container, but " + arguments.target + " is one already",
                     ExitCode::kUsage);
  }
  const bool created = found.image.has_value();
  VENEER_TRY(ContainerRecord container, ContainerFor(*store, found, arguments.name));
  const auto mount = [&]() -> Result<std::string> {
    VENEER_TRY(const ContainerLock lock, store->containers().Lock(container.name));
    // Whoever held the lock before may have mounted it.
    VENEER_TRY(container, store->containers().Get(container.name));
    return MountContainer(*store, container,
                          {arguments.mount_point, arguments.read_only, arguments.options});
  };
  const Result<std::string> mount_point = mount();
  if (!mount_point) {
    if (created)
      IgnoreError(RemoveContainer(*store, container.name),
                  "an empty container stays, the error counts");
    return tl::unexpected(mount_point.error());
  }
  PrintLine(*mount_point);
  NoteSingleId();
  if (created && arguments.name.empty())
    PrintError("the new container is " + container.name + "; it stays until `veneer rm " +
               container.name + "`");
  return 0;
}

}  // namespace

CommandSpec MountCommand() {
  auto arguments = std::make_shared<MountArguments>();
  CommandSpec command = {
      .name = "mount",
      .summary = "Mount a container, or a new container of an image",
      .positionals = {{ContainerOrImageValue(), &arguments->target,
                       "A container, or the image of a new one"},
                      {DirectoryValue(), &arguments->mount_point,
                       "Where; default a directory of the container's own", Need::kOptional}},
      .options =
          {
              {"-n,--name", &arguments->name, TextValue("NAME"),
               "The name of the new container; default one that Veneer chooses"},
              {"-r,--read-only", &arguments->read_only, "Refuse every change through this mount"},
              {"-o,--options", &arguments->options, kMountOptions,
               "Options for veneerfs, as in -o suid,dev,noacl"},
          },
      .run = [arguments](Context& context) { return Mount(context, *arguments); },
      .known_as = {"start"},
  };
  AddMissingImageOptions(&command, &arguments->missing);
  return command;
}

}  // namespace veneer
