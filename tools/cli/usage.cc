// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/usage.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "layerdb/catalog/suggest.h"

namespace veneer {

namespace {

// "veneer layer tar"
std::string FullName(const CLI::App* app) {
  std::string name = app->get_name();
  for (app = app->get_parent(); app != nullptr; app = app->get_parent())
    name = app->get_name() + " " + name;
  return name;
}

// What stands for its value, without what the library adds for the values that are allowed.
std::string TypeName(const CLI::Option& option) {
  const std::string name = option.get_type_name();
  return name.substr(0, name.find(":{"));
}

// "[NAME]", "CONTAINER..."
std::string PositionalWords(const CLI::Option& option) {
  const std::string name = TypeName(option) + (option.get_items_expected_max() > 1 ? "..." : "");
  return option.get_required() ? name : "[" + name + "]";
}

class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() {
    label("Positionals", "Arguments");
    label("REQUIRED", "");
  }

  std::string make_usage(const CLI::App* app, std::string /*name*/) const override {
    std::string usage = "Usage: " + FullName(app) + " [OPTION...]";
    for (const CLI::Option* option :
         app->get_options([](const CLI::Option* candidate) { return candidate->get_positional(); }))
      usage += " " + PositionalWords(*option);
    if (!app->get_subcommands([](const CLI::App*) { return true; }).empty()) usage += " COMMAND";
    if (app->get_name() == "chroot") usage += " [-- COMMAND [ARG...]]";
    return usage + "\n";
  }

  // The type alone: what excludes what is said by the message when somebody tries it.
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_type_size() == 0 || option->get_type_name().empty()) return "";
    const bool several = option->get_items_expected_max() > 1;
    return " " + TypeName(*option) + (several ? " ..." : "");
  }
};

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

// Names that other programs have for what a command does.
constexpr std::array<std::pair<const char*, const char*>, 6> kOtherNames = {{{"run", "chroot"},
                                                                             {"exec", "chroot"},
                                                                             {"shell", "chroot"},
                                                                             {"load", "import"},
                                                                             {"start", "mount"},
                                                                             {"list", "images"}}};

std::string Suggestion(const std::string& command, const std::vector<std::string>& names) {
  for (const auto& [other, ours] : kOtherNames) {
    if (command == other) return "; did you mean " + std::string(ours) + "?";
  }
  return DidYouMean(command, names);
}

// The innermost command that was recognised.
const CLI::App* Innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().back();
  return at;
}

std::vector<std::string> OptionNames(const CLI::App* command) {
  std::vector<std::string> names;
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

// By the letters alone: the dashes are in all of them.
std::string NearestOption(const std::string& option, const CLI::App* command) {
  const auto letters = [](const std::string& name) {
    return name.substr(name.find_first_not_of('-'));
  };
  const std::vector<std::string> options = OptionNames(command);
  std::vector<std::string> bare;
  for (const std::string& name : options) bare.push_back(letters(name));
  if (option.find_first_not_of('-') == std::string::npos) return {};
  const std::optional<size_t> nearest = NearestName(letters(option), bare);
  return nearest ? "; did you mean " + options[*nearest] + "?" : "";
}

std::string UnexpectedWord(const CLI::App& app, const CLI::App* command) {
  const std::vector<std::string> left = app.remaining(true);
  if (left.empty()) return "too many arguments";
  const std::string& word = left.front();
  if (!word.starts_with('-') || word == "-") {
    const std::string hint = command->get_name() == "load" ? "; did you mean -i " + word + "?" : "";
    return "one argument too many: '" + word + "'" + hint;
  }
  const std::string name = word.substr(0, word.find('='));
  return "no option '" + name + "'" + NearestOption(name, command);
}

bool Knows(const CLI::App* command, const std::string& option) {
  for (; command != nullptr; command = command->get_parent()) {
    if (command->get_option_no_throw(option) != nullptr) return true;
  }
  return false;
}

// An option before the command that there is none of.
std::optional<std::string> UnknownOptionInFront(const CLI::App& app,
                                                const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size() && words[i].starts_with('-'); ++i) {
    const std::string name = words[i].substr(0, words[i].find('='));
    if (name == "-" || name == "--") return std::nullopt;
    if (!Knows(&app, name)) return name;
    if (words[i] == "--root") ++i;
  }
  return std::nullopt;
}

// An option or argument as the library names it in its messages.
const CLI::Option* FindOption(const CLI::App* command, const std::string& name) {
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_name() == name || option->check_name(name)) return option;
    }
  }
  return nullptr;
}

std::string Problem(const CLI::App& app, const CLI::App* command, const CLI::ParseError& error) {
  std::string text = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return UnexpectedWord(app, command);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    if (const CLI::Option* option = FindOption(command, text.substr(0, text.find(' '))))
      return TypeName(*option) + " is missing";
    std::string names;
    for (const std::string& name : CommandNames(*command))
      names += (names.empty() ? "" : ", ") + name;
    if (const std::vector<std::string> left = app.remaining(true);
        !left.empty() && !left.front().starts_with('-'))
      return "no command '" + left.front() + "': one of " + names;
    return "a command is missing: one of " + names;
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const std::string name = text.substr(0, text.find(':'));
    if (const CLI::Option* option = FindOption(command, name)) {
      if (text.find("At Most") != std::string::npos) return name + " may be given only once";
      if (text.ends_with(" missing")) return name + " needs " + TypeName(*option);
    }
  }
  if (!text.empty()) text[0] = static_cast<char>(tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace

std::shared_ptr<CLI::FormatterBase> MakeHelpFormatter() {
  return std::make_shared<HelpFormatter>();
}

std::string CommandWord(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--root") {
      ++i;
    } else if (!words[i].starts_with('-')) {
      return words[i];
    }
  }
  return {};
}

std::string UsageProblem(const CLI::App& app, const std::vector<std::string>& words,
                         const CLI::ParseError& error) {
  const std::string command = CommandWord(words);
  const std::vector<std::string> names = CommandNames(app);
  if (const auto option = UnknownOptionInFront(app, words)) {
    return "no option '" + *option + "'" + NearestOption(*option, &app) +
           "; `veneer help` lists the commands";
  }
  if (!command.empty() && std::ranges::find(names, command) == names.end()) {
    return "no command '" + command + "'" + Suggestion(command, names) +
           " (`veneer help` lists them)";
  }
  const CLI::App* innermost = Innermost(app);
  if (innermost == &app) {
    return (command.empty() ? "no command given" : Problem(app, innermost, error)) +
           "; `veneer help` lists the commands";
  }
  const std::string name = FullName(innermost).substr(app.get_name().size() + 1);
  return name + ": " + Problem(app, innermost, error) + "; see `veneer help " + name + "`";
}

std::optional<std::string> SingleDashProblem(const CLI::App& app,
                                             const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  for (const std::string& word : words) {
    if (word == "--") return std::nullopt;
    if (!word.starts_with('-')) {
      const auto found = command->get_subcommands(
          [&](const CLI::App* candidate) { return candidate->check_name(word); });
      if (!found.empty()) command = found.front();
      continue;
    }
    const std::string name = word.substr(0, word.find('='));
    if (name.starts_with("--") || name.size() <= 2 || !Knows(command, "-" + name)) continue;
    const std::string where =
        command == &app ? "" : FullName(command).substr(app.get_name().size() + 1);
    return (where.empty() ? "" : where + ": ") + "no option '" + name + "'; did you mean -" + name +
           "?; see `veneer help" + (where.empty() ? "" : " " + where) + "`";
  }
  return std::nullopt;
}

bool LacksVerb(const CLI::App& app, const CLI::ParseError& error) {
  return dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && Innermost(app) != &app &&
         !CommandNames(*Innermost(app)).empty() && app.remaining(true).empty();
}

}  // namespace veneer
