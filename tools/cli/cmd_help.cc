// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "tools/cli/commands.h"
#include "tools/cli/help.h"

namespace veneer {

namespace {

Result<int> Help(const Context& context, const std::vector<std::string>& words) {
  CommandPath path = {context.commands};
  for (const std::string& word : words) {
    const CommandSpec* command = FindCommand(*path.back(), word);
    if (command == nullptr) {
      return MakeError("no command '" + word + "' (`veneer help` lists them)", ExitCode::kUsage);
    }
    path.push_back(command);
  }
  Print(HelpText(path));
  return 0;
}

}  // namespace

CommandSpec HelpCommand() {
  auto words = std::make_shared<std::vector<std::string>>();
  return {
      .name = "help",
      .summary = "Show the commands, or the options of one",
      .positionals = {{{"COMMAND", Offer::kCommands}, words.get(), "The command", Need::kOptional}},
      .run = [words](Context& context) { return Help(context, *words); },
  };
}

}  // namespace veneer
