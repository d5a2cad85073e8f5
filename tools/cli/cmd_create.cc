// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"

namespace veneer {

namespace {

struct Options {
  std::string image;
  std::string name;
};

Result<int> Create(Context& context, const Options& options) {
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const FoundImage found, FindImage(*store, options.image));
  VENEER_TRY(
      const ContainerRecord container,
      store->containers().Create({options.name, found.image.id, NameOfImage(found), false, {}}));
  PrintLine(container.name);
  return 0;
}

}  // namespace

void AddCreateCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("create", "Make a container of an image, and print its name");
  command->add_option("image", options->image, "The image")->required()->type_name("IMAGE");
  command
      ->add_option("-n,--name", options->name,
                   "The name of the container; default one that is made up")
      ->type_name("NAME");
  command->callback([&context, options] {
    context.action = [&context, options] { return Create(context, *options); };
  });
}

}  // namespace veneer
