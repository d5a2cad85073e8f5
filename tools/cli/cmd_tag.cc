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

CommandSpec TagCommand() {
  auto options = std::make_shared<Options>();
  return {
      .name = "tag",
      .summary = "Give an image one more name",
      .positionals = {{ImageValue(), &options->image,
                       "The image: a name, an id or the start of one, or NAME@sha256:..."},
                      {ImageValue("NAME[:TAG]"), &options->name,
                       "The new name; the image that has it now loses it, and stays"}},
      .run = [options](Context& context) { return TagImage(context, *options); },
  };
}

}  // namespace veneer
