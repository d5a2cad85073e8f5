// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/cli/complete.h"

namespace veneer {

namespace {

std::vector<std::string> ContainerNames(Context& context) {
  std::vector<std::string> names;
  const auto store = context.OpenStore(Store::Missing::kFail);
  if (!store) return names;
  const auto containers = (*store)->containers().List();
  if (!containers) return names;
  for (const ContainerRecord& container : *containers) names.push_back(container.name);
  return names;
}

std::vector<std::string> ImageNames(Context& context) {
  std::vector<std::string> names;
  const auto store = context.OpenStore(Store::Missing::kFail);
  if (!store) return names;
  const auto images = (*store)->images().List();
  if (!images) return names;
  for (const ImageListing& image : *images) {
    names.insert(names.end(), image.tags.begin(), image.tags.end());
  }
  return names;
}

Result<int> PrintCompletion(Context& context) {
  const NameSource names = {[&] { return ContainerNames(context); },
                            [&] { return ImageNames(context); }};
  Print(CompletionText(Complete(*context.commands, context.program, names)));
  return 0;
}

}  // namespace

CommandSpec CompleteCommand() {
  return {
      .name = "__complete",
      .summary = "Print what a shell is to offer at the end of a command line",
      .run = PrintCompletion,
      .takes_program = true,
      .hidden = true,
  };
}

}  // namespace veneer
