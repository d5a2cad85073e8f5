// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/cli/missing_image.h"
#include "tools/run/new_container.h"

namespace veneer {

namespace {

struct CreateArguments {
  std::string image;
  std::string name;
  MissingImageOptions missing;
};

Result<int> Create(Context& context, const CreateArguments& arguments) {
  VENEER_TRY(const std::unique_ptr<Store> store, OpenStoreToPull(context, arguments.missing));
  VENEER_TRY(const FoundImage found, FindOrPullImage(*store, arguments.image, arguments.missing));
  VENEER_TRY(const ContainerRecord container,
             NewContainer(*store, {arguments.name, found.image.id, NameOfImage(found), false, {}}));
  PrintLine(container.name);
  return 0;
}

}  // namespace

CommandSpec CreateCommand() {
  auto arguments = std::make_shared<CreateArguments>();
  CommandSpec command = {
      .name = "create",
      .summary = "Make a container of an image, and print its name",
      .positionals = {{ImageValue(), &arguments->image, "The image"}},
      .options = {{"-n,--name", &arguments->name, TextValue("NAME"),
                   "The name of the container; default one that Veneer chooses"}},
      .run = [arguments](Context& context) { return Create(context, *arguments); },
  };
  AddMissingImageOptions(&command, &arguments->missing);
  return command;
}

}  // namespace veneer
