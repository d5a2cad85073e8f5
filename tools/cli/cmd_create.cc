// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/cli/new_container.h"

namespace veneer {

namespace {

struct Options {
  std::string image;
  std::string name;
};

Result<int> Create(Context& context, const Options& options) {
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const FoundImage found, FindImage(*store, options.image));
  VENEER_TRY(const ContainerRecord container,
             NewContainer(*store, {options.name, found.image.id, NameOfImage(found), false, {}}));
  PrintLine(container.name);
  return 0;
}

}  // namespace

CommandSpec CreateCommand() {
  auto options = std::make_shared<Options>();
  return {
      .name = "create",
      .summary = "Make a container of an image, and print its name",
      .positionals = {{ImageValue(), &options->image, "The image"}},
      .options = {{"-n,--name", &options->name, TextValue("NAME"),
                   "The name of the container; default one that Veneer chooses"}},
      .run = [options](Context& context) { return Create(context, *options); },
  };
}

}  // namespace veneer
