// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"

namespace veneer {

namespace {

struct TagArguments {
  std::string image;
  std::string name;
};

Result<int> TagImage(Context& context, const TagArguments& arguments) {
  VENEER_TRY(const std::string name, NormalizeTag(arguments.name));
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const FoundImage found, FindImage(*store, arguments.image));
  VENEER_TRY_VOID(store->images().Tag(found.image.id, name));
  return 0;
}

}  // namespace

CommandSpec TagCommand() {
  auto arguments = std::make_shared<TagArguments>();
  return {
      .name = "tag",
      .summary = "Give an image one more name",
      .positionals = {{ImageValue(), &arguments->image,
                       "The image: a name, an id or the start of one, or NAME@sha256:..."},
                      {ImageValue("NAME[:TAG]"), &arguments->name,
                       "The new name; the image that has it now loses it, and stays"}},
      .run = [arguments](Context& context) { return TagImage(context, *arguments); },
  };
}

}  // namespace veneer
