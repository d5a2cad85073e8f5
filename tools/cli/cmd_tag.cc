// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"

namespace veneer {

namespace {

struct Options {
  std::string image;
  std::string name;
};

Result<int> TagImage(Context& context, const Options& options) {
  VENEER_TRY(const std::string name, NormalizeTag(options.name));
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const FoundImage found, FindImage(*store, options.image));
  VENEER_TRY_VOID(store->images().Tag(found.image.id, name));
  return 0;
}

}  // namespace

void AddTagCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("tag", "Give an image one more name");
  command
      ->add_option("image", options->image,
                   "The image: a name, an id or the start of one, or NAME@sha256:...")
      ->required()
      ->type_name("IMAGE");
  command
      ->add_option("name", options->name,
                   "The new name; the image that has it now loses it, and stays")
      ->required()
      ->type_name("NAME[:TAG]");
  command->callback([&context, options] {
    context.action = [&context, options] { return TagImage(context, *options); };
  });
}

}  // namespace veneer
