// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct Options {
  std::string target;
  std::string mount_point;
  std::string name;
  bool read_only = false;
  std::vector<std::string> options;
};

Result<ContainerRecord> ContainerFor(Store& store, const ContainerOrImage& found,
                                     const std::string& name) {
  if (found.container) return *found.container;
  return store.containers().Create(
      {name, found.image->image.id, NameOfImage(*found.image), false, {}});
}

Result<int> Mount(Context& context, const Options& options) {
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const ContainerOrImage found, FindContainerOrImage(*store, options.target));
  if (found.container && !options.name.empty()) {
    return MakeError("--name names a new container, but " + options.target + " is one already",
                     ExitCode::kUsage);
  }
  const bool created = found.image.has_value();
  VENEER_TRY(ContainerRecord container, ContainerFor(*store, found, options.name));
  const auto mount = [&]() -> Result<std::string> {
    VENEER_TRY(const ContainerLock lock, store->containers().Lock(container.name));
    // Whoever held the lock before may have mounted it.
    VENEER_TRY(container, store->containers().Get(container.name));
    return MountContainer(*store, container,
                          {options.mount_point, options.read_only, options.options});
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
  if (created && options.name.empty())
    PrintError("the new container is " + container.name + "; it stays until `veneer rm " +
               container.name + "`");
  return 0;
}

}  // namespace

void AddMountCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("mount", "Mount a container, or a new container of an image");
  command->add_option("target", options->target, "A container, or the image of a new one")
      ->required()
      ->type_name("CONTAINER|IMAGE");
  command
      ->add_option("mountpoint", options->mount_point,
                   "Where; default a directory of the container's own")
      ->type_name("DIR");
  command
      ->add_option("-n,--name", options->name,
                   "The name of the new container; default one that is made up")
      ->type_name("NAME");
  command->add_flag("-r,--read-only", options->read_only,
                    "Nothing can be changed through this mount");
  command
      ->add_option("-o,--options", options->options,
                   "Options for veneerfs, as in -o suid,dev,noacl")
      ->type_name("OPTIONS")
      ->allow_extra_args(false);
  command->callback([&context, options] {
    context.action = [&context, options] { return Mount(context, *options); };
  });
}

}  // namespace veneer
