// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"

namespace veneer {

namespace {

struct Options {
  std::vector<std::string> images;
  bool force = false;
};

Result<void> RemoveOne(Store& store, const std::string& image, bool force) {
  VENEER_TRY_VOID(FindImage(store, image));
  VENEER_TRY(const RemovedImage removed, store.images().Remove(image, force));
  for (const std::string& tag : removed.untagged) PrintLine("Untagged: " + tag);
  if (removed.deleted) PrintLine("Deleted: " + removed.deleted->ToString());
  return {};
}

Result<int> Rmi(Context& context, const Options& options) {
  VENEER_TRY_VOID(context.EnterUserNamespaceIfNeeded());
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  RemoveDeadContainers(*store);  // one of them must not keep an image from being removed
  return ForEachTarget(options.images, [&](const std::string& image) {
    return RemoveOne(*store, image, options.force);
  });
}

}  // namespace

void AddRmiCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("rmi", "Remove the names of images, and images with their last name");
  command->add_option("images", options->images, "The images")->required()->type_name("IMAGE");
  command->add_flag("-f,--force", options->force, "An image given by id: with all its names");
  command->callback([&context, options] {
    context.action = [&context, options] { return Rmi(context, *options); };
  });
}

}  // namespace veneer
