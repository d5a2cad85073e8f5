// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"

namespace veneer {

namespace {

Result<int> Help(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  for (const std::string& word : words) {
    const auto found = command->get_subcommands(
        [&](const CLI::App* candidate) { return candidate->get_name() == word; });
    if (found.empty()) {
      return MakeError("no command '" + word + "' (`veneer help` lists them)", ExitCode::kUsage);
    }
    command = found.front();
  }
  // CLI::App::help() would show the command that was parsed, which is `help`.
  Print(command->get_formatter()->make_help(command, command->get_name(),
                                            CLI::AppFormatMode::Normal));
  return 0;
}

}  // namespace

void AddHelpCommand(CLI::App& app, Context& context) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("help", "Show the commands, or the options of one");
  command->add_option("command", *words, "The command")->type_name("COMMAND");
  command->callback(
      [&app, &context, words] { context.action = [&app, words] { return Help(app, *words); }; });
}

}  // namespace veneer
