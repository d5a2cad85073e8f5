// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/command_line.h"

#include "tools/cli/usage.h"

namespace veneer {

namespace {

// "--filter" of "--filter=x".
std::string_view NamePart(std::string_view word) { return word.substr(0, word.find('=')); }

// A long option behind one dash, as in `mount -name x`, which would be read as -n with the value
// "ame".
bool IsLongBehindOneDash(const CommandPath& path, std::string_view word) {
  const std::string name(NamePart(word));
  return !name.starts_with("--") && name.size() > 2 && FindOption(path, "-" + name) != nullptr;
}

// The words that the parser is to see for one option.
std::vector<std::string> ForParser(const CommandPath& path, const std::string& word) {
  constexpr size_t kShortName = 2;
  const size_t equal = word.find('=');
  const Option* option = FindOption(path, NamePart(word));
  if (equal == std::string::npos || option == nullptr) return {word};
  if (option->takes_value() && equal + 1 == word.size()) return {word.substr(0, equal), ""};
  if (equal != kShortName) return {word};
  return {std::string(option->long_name()) + word.substr(equal)};
}

}  // namespace

Result<void> ReadCommandLine(const CommandSpec& program, std::vector<std::string> words,
                             CommandLine* line) {
  CommandPath& path = line->path;
  path = {&program};
  size_t plain = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const CommandSpec& command = *path.back();
    if (word == "--" ||
        (command.takes_program && !LooksLikeOption(word) && plain == command.positionals.size())) {
      const size_t first = i + (word == "--" ? 1 : 0);
      auto& rest = command.takes_program ? line->program : line->words;
      const size_t from = command.takes_program ? first : i;
      rest.insert(rest.end(), words.begin() + static_cast<ptrdiff_t>(from), words.end());
      return {};
    }
    if (LooksLikeOption(word)) {
      if (path.size() == 1 && FindOption(path, NamePart(word)) == nullptr) {
        return UsageError(path, UnknownOption(path, NamePart(word)));
      }
      if (IsLongBehindOneDash(path, word)) {
        const std::string name(NamePart(word));
        return UsageError(path, "no option '" + name + "'; did you mean -" + name + "?");
      }
      for (std::string& one : ForParser(path, word)) line->words.push_back(std::move(one));
      if (OptionWithValueBehind(path, word) != nullptr && i + 1 < words.size()) {
        line->words.push_back(words[++i]);
      }
      continue;
    }
    line->words.push_back(word);
    if (command.is_group()) {
      const CommandSpec* next = FindCommand(command, word);
      if (next == nullptr) return UnknownCommand(path, word);
      path.push_back(next);
    } else {
      ++plain;
    }
  }
  return {};
}

}  // namespace veneer
