// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/parser.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "tools/cli/usage.h"

namespace veneer {

namespace {

// The name of an argument for the library, which wants one.
std::string ArgumentName(size_t index) { return "argument" + std::to_string(index); }

CLI::Option* AddTo(CLI::App* app, const std::string& names, const Target& target) {
  return std::visit(
      [&](auto* into) -> CLI::Option* {
        if constexpr (std::is_same_v<decltype(into), bool*>) return app->add_flag(names, *into);
        return app->add_option(names, *into);
      },
      target);
}

// An application of the library for each command of the path, each below the one before.
class Parser {
 public:
  explicit Parser(const CommandPath& path) : path_(path), program_("", std::string(path[0]->name)) {
    program_.fallthrough();
    CLI::App* app = &program_;
    for (const CommandSpec* command : path) {
      if (command != path[0]) app = app->add_subcommand(std::string(command->name));
      for (const std::string_view alias : command->aliases) app->alias(std::string(alias));
      AddOptions(app, *command);
    }
    const std::vector<Positional>& positionals = path.back()->positionals;
    for (size_t i = 0; i < positionals.size(); ++i) {
      given_positionals_.push_back(AddTo(app, ArgumentName(i), positionals[i].target));
    }
  }

  Result<ParsedFor> Parse(const std::vector<std::string>& words) {
    try {
      program_.parse(
          std::vector<std::string>(words.rbegin(), words.rend()));  // as CLI11 wants them
    } catch (const CLI::CallForHelp&) {
      return ParsedFor::kHelp;
    } catch (const CLI::CallForVersion&) {
      return ParsedFor::kVersion;
    } catch (const CLI::ParseError& error) {
      return UsageError(path_, Problem(error));
    }
    VENEER_TRY_VOID(CheckNeeds());
    VENEER_TRY_VOID(CheckValues());
    if (path_.size() == 1) return UsageError(path_, "no command given");
    return path_.back()->is_group() ? ParsedFor::kHelp : ParsedFor::kCommand;
  }

 private:
  void AddOptions(CLI::App* app, const CommandSpec& command) {
    for (const Option& option : command.options) {
      std::string names(option.names);
      if (option.names == kHelpNames) {
        app->set_help_flag(names);
      } else if (option.names == kVersionNames) {
        app->set_version_flag(names, "");
      } else {
        if (!option.other_names.empty()) names.append(",").append(option.other_names);
        CLI::Option* added = AddTo(app, names, option.target);
        if (std::holds_alternative<std::vector<std::string>*>(option.target)) {
          added->allow_extra_args(false);  // one value each time
        } else if (option.takes_value()) {
          added->expected(1);
        }
        given_.emplace_back(&option, added);
      }
    }
    for (const auto& [option, added] : given_) {
      for (const std::string_view other : option->excludes) {
        added->excludes(app->get_option(std::string(other)));
      }
    }
  }

  // What the library says of `error`, in our words where they are better.
  std::string Problem(const CLI::ParseError& error) const {
    std::string text = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
      const std::vector<std::string> left = program_.remaining(true);
      return left.empty() ? "too many arguments" : UnexpectedWord(path_, left.front());
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
      const std::string name = text.substr(0, text.find(':'));
      if (text.find("At Most") != std::string::npos) return name + " may be given only once";
      const Option* option = FindOption(path_, name);
      if (option != nullptr && text.ends_with(" missing")) return Needs(*option);
    }
    if (!text.empty()) text[0] = static_cast<char>(tolower(static_cast<unsigned char>(text[0])));
    return text;
  }

  static std::string Needs(const Option& option) {
    return std::string(option.long_name()) + " needs " + std::string(option.value.name);
  }

  Result<void> CheckNeeds() const {
    for (size_t i = 0; i < given_positionals_.size(); ++i) {
      const Positional& positional = path_.back()->positionals[i];
      if (positional.need == Need::kOptional || given_positionals_[i]->count() > 0) continue;
      return UsageError(path_, std::string(positional.value.name) + " is missing");
    }
    return {};
  }

  Result<void> CheckValues() const {
    for (const auto& [option, given] : given_) {
      if (option->value.form != Value::Form::kOneOf) continue;
      for (const std::string& word : given->results()) {
        const auto& words = option->value.words;
        if (std::ranges::find(words, word) != words.end()) continue;
        return UsageError(path_, std::string(option->long_name()) + " is " + Alternatives(words) +
                                     ", not '" + word + "'");
      }
    }
    return {};
  }

  const CommandPath& path_;
  CLI::App program_;
  std::vector<std::pair<const Option*, CLI::Option*>> given_;
  std::vector<const CLI::Option*> given_positionals_;
};

}  // namespace

Result<ParsedFor> ParseOptions(const CommandLine& line) {
  return Parser(line.path).Parse(line.words);
}

}  // namespace veneer
