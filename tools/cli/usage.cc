// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/usage.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "layerdb/store/suggest.h"

namespace veneer {

namespace {

// "veneer layer tar"
std::string FullName(const CLI::App* app) {
  std::string name = app->get_name();
  for (app = app->get_parent(); app != nullptr; app = app->get_parent())
    name = app->get_name() + " " + name;
  return name;
}

// "[NAME]", "CONTAINER..."
std::string PositionalWords(const CLI::Option& option) {
  const std::string name =
      option.get_type_name() + (option.get_items_expected_max() > 1 ? "..." : "");
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

std::string UnexpectedWord(const CLI::App& app, const CLI::App* command) {
  const std::vector<std::string> left = app.remaining(true);
  if (left.empty()) return "too many arguments";
  const std::string& word = left.front();
  if (!word.starts_with('-') || word == "-") return "one argument too many: '" + word + "'";
  const std::string name = word.substr(0, word.find('='));
  return "no option '" + name + "'" + DidYouMean(name, OptionNames(command));
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
      return option->get_type_name() + " is missing";
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
      if (text.ends_with(" missing")) return name + " needs " + option->get_type_name();
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

}  // namespace veneer
