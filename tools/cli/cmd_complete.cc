// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/cli/complete.h"

namespace veneer {

namespace {

// Nothing where there is no store, or it cannot be read: this is no place for complaints.
template <class List>
std::vector<std::string> NamesOf(Context& context, List list) {
  const auto store = context.OpenStore(Store::Missing::kFail);
  if (!store) return {};
  return list(**store).value_or(std::vector<std::string>());
}

Result<int> PrintCompletion(Context& context) {
  const NameSource names = {[&] { return NamesOf(context, ContainerNames); },
                            [&] { return NamesOf(context, ImageNames); }};
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
