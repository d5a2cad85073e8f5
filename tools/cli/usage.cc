// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/usage.h"

#include <algorithm>

#include "tools/cli/suggest.h"

namespace veneer {

namespace {

tl::unexpected<Error> Usage(std::string message) {
  return MakeError(std::move(message), ExitCode::kUsage);
}

std::vector<std::string> CommandNames(const CommandSpec& group) {
  std::vector<std::string> names;
  for (const CommandSpec& command : group.commands) {
    if (!command.hidden) names.emplace_back(command.name);
  }
  return names;
}

std::string Suggestion(const CommandSpec& program, const std::string& word) {
  for (const CommandSpec& command : program.commands) {
    if (std::ranges::find(command.known_as, word) != command.known_as.end()) {
      return "; did you mean " + std::string(command.name) + "?";
    }
  }
  return DidYouMean(word, CommandNames(program));
}

std::string WithoutDashes(std::string_view name) {
  const size_t first = name.find_first_not_of('-');
  return first == std::string_view::npos ? "" : std::string(name.substr(first));
}

}  // namespace

tl::unexpected<Error> UsageError(const CommandPath& path, const std::string& problem) {
  const std::string name = NameBelowProgram(path);
  if (name.empty()) return Usage(problem + "; `veneer help` lists the commands");
  return Usage(name + ": " + problem + "; see `veneer help " + name + "`");
}

tl::unexpected<Error> UnknownCommand(const CommandPath& path, const std::string& word) {
  const CommandSpec& group = *path.back();
  if (path.size() == 1) {
    return Usage("no command '" + word + "'" + Suggestion(group, word) +
                 " (`veneer help` lists them)");
  }
  std::string names;
  for (const std::string& name : CommandNames(group)) names += (names.empty() ? "" : ", ") + name;
  return UsageError(path, "no command '" + word + "': one of " + names);
}

std::string UnknownOption(const CommandPath& path, std::string_view name) {
  // By the letters alone: the dashes are in all of them.
  std::vector<std::string> letters;
  for (const CommandSpec* command : path) {
    for (const Option& option : command->options) {
      if (!option.hidden) letters.push_back(WithoutDashes(option.long_name()));
    }
  }
  const std::string problem = "no option '" + std::string(name) + "'";
  const auto nearest = NearestName(WithoutDashes(name), letters);
  return nearest ? problem + "; did you mean --" + letters[*nearest] + "?" : problem;
}

std::string UnexpectedWord(const CommandPath& path, const std::string& word) {
  if (LooksLikeOption(word)) return UnknownOption(path, word.substr(0, word.find('=')));
  const std::string_view option = path.back()->option_for_extra_word;
  return "one argument too many: '" + word + "'" +
         (option.empty() ? "" : "; did you mean " + std::string(option) + " " + word + "?");
}

std::string Alternatives(const std::vector<std::string_view>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace veneer
