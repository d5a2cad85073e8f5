// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/command.h"

#include <algorithm>

namespace veneer {

namespace {

bool ListHas(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const size_t comma = names.find(',');
    if (names.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) break;
    names.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

Value PlatformValue() {
  return WordsValue("OS/ARCH[/VARIANT]", {"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/386",
                                          "linux/ppc64le", "linux/riscv64", "linux/s390x"});
}

Option Option::Excluding(std::vector<std::string_view> others) && {
  excludes = std::move(others);
  return std::move(*this);
}

Option Option::AlsoNamed(std::string_view others) && {
  other_names = others;
  return std::move(*this);
}

Option Option::Hidden() && {
  hidden = true;
  return std::move(*this);
}

Option Option::Everywhere() && {
  everywhere = true;
  return std::move(*this);
}

std::string_view Option::long_name() const { return names.substr(names.rfind(',') + 1); }

bool Option::HasName(std::string_view name) const {
  return ListHas(names, name) || ListHas(other_names, name);
}

const CommandSpec* FindCommand(const CommandSpec& group, std::string_view name) {
  const auto found = std::ranges::find_if(group.commands, [&](const CommandSpec& command) {
    return command.name == name ||
           std::ranges::find(command.aliases, name) != command.aliases.end();
  });
  return found == group.commands.end() ? nullptr : &*found;
}

std::string FullName(const CommandPath& path) {
  std::string name;
  for (const CommandSpec* command : path) {
    if (!name.empty()) name += ' ';
    name += command->name;
  }
  return name;
}

std::string NameBelowProgram(const CommandPath& path) {
  return path.size() < 2 ? "" : FullName({path.begin() + 1, path.end()});
}

const Option* FindOption(const CommandPath& path, std::string_view name) {
  for (auto command = path.rbegin(); command != path.rend(); ++command) {
    const auto& options = (*command)->options;
    const auto found =
        std::ranges::find_if(options, [&](const Option& option) { return option.HasName(name); });
    if (found != options.end()) return &*found;
  }
  return nullptr;
}

const Option* OptionWithValueBehind(const CommandPath& path, std::string_view word) {
  if (word.starts_with("--")) {
    const Option* option = FindOption(path, word);  // one with "=" is no name
    return option != nullptr && option->takes_value() ? option : nullptr;
  }
  for (size_t i = 1; i < word.size(); ++i) {  // -rufoo is -r -u foo
    const Option* option = FindOption(path, std::string("-") + word[i]);
    if (option == nullptr || !option->takes_value()) continue;
    return i + 1 == word.size() ? option : nullptr;
  }
  return nullptr;
}

}  // namespace veneer
