// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/complete.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace veneer {

namespace {

class Completer {
 public:
  Completer(const CommandSpec& program, const NameSource& names) : path_{&program}, names_(names) {}

  Completion Run(const std::vector<std::string>& words) {
    if (words.empty()) return {};
    const Option* pending = nullptr;  // the option whose value comes next
    bool only_arguments = false;      // behind "--"
    for (size_t i = 0; i < words.size(); ++i) {
      const std::string& word = words[i];
      const bool last = i + 1 == words.size();
      const CommandSpec& command = *path_.back();
      if (pending != nullptr) {
        if (last) return OfValue(pending->value, word);
        Keep(*pending, word);
        pending = nullptr;
      } else if (command.takes_program && !only_arguments && word == "--" && !last) {
        done_.program = i + 1;
        return done_;
      } else if (!only_arguments && word.starts_with('-') && (last || word.size() > 1)) {
        if (last) return OfOption(word);
        only_arguments = word == "--";
        if (only_arguments) continue;
        pending = OptionWithValueBehind(path_, word);
        if (const size_t equal = word.find('='); equal != std::string::npos) {
          if (const Option* option = FindOption(path_, word.substr(0, equal))) {
            Keep(*option, word.substr(equal + 1));
          }
        }
      } else if (command.takes_program && arguments_.size() == command.positionals.size()) {
        done_.program = i;
        return done_;
      } else if (last) {
        return command.is_group() ? OfCommands(command, word) : OfArgument(command, word);
      } else if (command.is_group()) {
        const CommandSpec* next = FindCommand(command, word);
        if (next == nullptr) return {};
        path_.push_back(next);
      } else {
        arguments_.push_back(word);
      }
    }
    return {};
  }

 private:
  // Which store it is, an option says.
  void Keep(const Option& option, const std::string& value) {
    if (!option.everywhere) return;
    if (auto* const* into = std::get_if<std::optional<std::string>*>(&option.target)) {
      const char* home = getenv("HOME");  // the shell has not replaced it
      const bool of_home = home != nullptr && value.starts_with("~/");
      **into = of_home ? home + value.substr(1) : value;
    }
  }

  void Add(std::string word, std::string_view begin, std::string_view help = {}) {
    if (word.starts_with(begin)) done_.candidates.push_back({std::move(word), std::string(help)});
  }

  template <class Words>
  Completion OfWords(const Words& words, std::string_view begin) {
    for (const auto& word : words) Add(std::string(word), begin);
    return std::move(done_);
  }

  Completion OfCommands(const CommandSpec& group, std::string_view begin) {
    for (const CommandSpec& command : group.commands) {
      if (command.hidden) continue;
      Add(std::string(command.name), begin, command.summary);
      for (const std::string_view alias : command.aliases) {
        Add(std::string(alias), begin, command.summary);
      }
    }
    return std::move(done_);
  }

  // An option, or behind its "=" the value.
  Completion OfOption(const std::string& word) {
    if (const size_t equal = word.find('='); equal != std::string::npos) {
      const Option* option = FindOption(path_, word.substr(0, equal));
      if (option == nullptr || !option->takes_value()) return {};
      done_.prefix = word.substr(0, equal + 1);
      return OfValue(option->value, word.substr(equal + 1));
    }
    for (auto owner = path_.rbegin(); owner != path_.rend(); ++owner) {
      for (const Option& option : (*owner)->options) {
        if (option.hidden || (*owner != path_.back() && !option.everywhere)) continue;
        std::string_view names = option.names;
        for (size_t comma = names.find(','); comma != std::string_view::npos;
             comma = names.find(',')) {
          Add(std::string(names.substr(0, comma)), word, option.help);
          names.remove_prefix(comma + 1);
        }
        Add(std::string(names), word, option.help);
      }
    }
    return std::move(done_);
  }

  Completion OfArgument(const CommandSpec& command, const std::string& word) {
    const std::vector<Positional>& positionals = command.positionals;
    if (positionals.empty()) return {};
    const size_t index = std::min(arguments_.size(), positionals.size() - 1);
    if (index < arguments_.size() && !positionals[index].repeats()) return {};
    return OfValue(positionals[index].value, word);
  }

  Completion OfValue(const Value& value, std::string_view begin) {
    switch (value.form) {
      case Value::Form::kKeyValue: return OfFilter(value, begin);
      case Value::Form::kList:
        if (const size_t comma = begin.rfind(','); comma != std::string_view::npos) {
          done_.prefix += begin.substr(0, comma + 1);
          begin.remove_prefix(comma + 1);
        }
        done_.more_follows = true;
        break;
      case Value::Form::kFree:
      case Value::Form::kOneOf: break;
    }
    OfferNames(value.offer, begin);
    return OfWords(value.words, begin);
  }

  void OfferNames(Offer offer, std::string_view begin) {
    const bool path = begin.starts_with('.') || begin.starts_with('/') || begin.starts_with('~');
    switch (offer) {
      case Offer::kNothing: break;
      case Offer::kFiles: done_.files = true; break;
      case Offer::kDirectories: done_.directories = true; break;
      case Offer::kContainers: OfferAll(names_.containers(), begin); break;
      case Offer::kImages: OfferAll(names_.images(), begin); break;
      case Offer::kContainersAndImages:
        OfferAll(names_.containers(), begin);
        OfferAll(names_.images(), begin);
        break;
      case Offer::kContainersOrDirectories:
        done_.directories = path;
        if (!path) OfferAll(names_.containers(), begin);
        break;
      case Offer::kVariables: OfferVariables(begin); break;
      case Offer::kCommands: OfferCommands(begin); break;
    }
  }

  void OfferAll(const std::vector<std::string>& words, std::string_view begin) {
    for (const std::string& word : words) Add(word, begin);
  }

  void OfferVariables(std::string_view begin) {
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string_view text = *variable;
      Add(std::string(text.substr(0, text.find('='))), begin);
    }
  }

  // The commands of the program, or of the group that the arguments before name.
  void OfferCommands(std::string_view begin) {
    const CommandSpec* group = path_.front();
    for (const std::string& name : arguments_) {
      group = FindCommand(*group, name);
      if (group == nullptr) return;
    }
    done_ = OfCommands(*group, begin);
  }

  // The keys, or after one the values that it takes.
  Completion OfFilter(const Value& value, std::string_view begin) {
    const size_t equal = begin.find('=');
    if (equal == std::string_view::npos) {
      done_.more_follows = true;
      return OfWords(value.words, begin);
    }
    const std::string key(begin.substr(0, equal));
    done_.prefix += key + "=";
    begin.remove_prefix(equal + 1);
    using Words = std::vector<std::string_view>;
    if (key == "dangling") return OfWords(Words{"true", "false"}, begin);
    if (key == "until") return OfWords(Words{"24h", "168h", "720h"}, begin);
    if (key == "status") {
      return OfWords(Words{"mounted", "unmounted", "in-use", "unmounting", "dead"}, begin);
    }
    if (key == "name" || key == "id") return OfWords(names_.containers(), begin);
    if (key == "ancestor" || key == "before" || key == "since" || key == "reference") {
      return OfWords(names_.images(), begin);
    }
    return std::move(done_);
  }

  CommandPath path_;
  const NameSource& names_;
  std::vector<std::string> arguments_;
  Completion done_;
};

}  // namespace

Completion Complete(const CommandSpec& program, const std::vector<std::string>& words,
                    const NameSource& names) {
  return Completer(program, names).Run(words);
}

std::string CompletionText(const Completion& completion) {
  std::string text;
  if (completion.program) text += ":program " + std::to_string(*completion.program) + "\n";
  if (!completion.prefix.empty()) text += ":prefix " + completion.prefix + "\n";
  if (completion.files) text += ":files\n";
  if (completion.directories) text += ":directories\n";
  if (completion.more_follows) text += ":nospace\n";
  for (const Candidate& candidate : completion.candidates) {
    text += candidate.word + (candidate.help.empty() ? "" : "\t" + candidate.help) + "\n";
  }
  return text;
}

}  // namespace veneer
