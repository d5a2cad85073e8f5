// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/help.h"

#include <algorithm>

namespace veneer {

namespace {

// "[NAME]", "CONTAINER..."
std::string InUsage(const Positional& positional) {
  const std::string name = std::string(positional.value.name) + (positional.repeats() ? "..." : "");
  return positional.need == Need::kRequired ? name : "[" + name + "]";
}

std::string UsageLine(const CommandPath& path) {
  const CommandSpec& command = *path.back();
  std::string line = "Usage: " + FullName(path) + " [OPTION...]";
  for (const Positional& positional : command.positionals) line += " " + InUsage(positional);
  if (command.is_group()) line += " COMMAND";
  if (command.takes_program) line += " [-- COMMAND [ARG...]]";
  return line + "\n";
}

// "  name         what it is"; a name that is too long has a line of its own.
std::string Row(const std::string& name, std::string_view help) {
  constexpr size_t kColumn = 30;
  std::string row = "  " + name;
  if (row.size() >= kColumn) row += "\n" + std::string(kColumn, ' ');
  const size_t line = row.rfind('\n') + 1;  // npos + 1 is 0
  row.resize(std::max(row.size(), line + kColumn), ' ');
  return row.append(help) + "\n";
}

std::string OptionRow(const Option& option) {
  std::string name(option.names);
  if (option.takes_value()) name.append(" ").append(option.value.name);
  if (std::holds_alternative<std::vector<std::string>*>(option.target)) name += " ...";
  return Row(name, option.help);
}

}  // namespace

std::string HelpText(const CommandPath& path) {
  const CommandSpec& command = *path.back();
  std::string text = std::string(command.summary) + "\n" + UsageLine(path);
  if (!command.positionals.empty()) text += "\nArguments:\n";
  for (const Positional& positional : command.positionals) {
    text += Row(std::string(positional.value.name) + (positional.repeats() ? " ..." : ""),
                positional.help);
  }
  text += "\nOptions:\n";
  for (const CommandSpec* owner : path) {
    for (const Option& option : owner->options) {
      if (option.hidden) continue;
      if (owner == &command || option.names == kHelpNames) text += OptionRow(option);
    }
  }
  if (command.is_group()) text += "\nSubcommands:\n";
  for (const CommandSpec& each : command.commands) {
    std::string names(each.name);
    for (const std::string_view alias : each.aliases) names.append(", ").append(alias);
    if (!each.hidden) text += Row(names, each.summary);
  }
  return text + "\n" + (command.footer.empty() ? "" : std::string(command.footer) + "\n");
}

}  // namespace veneer
