// SPDX-License-Identifier: Apache-2.0
//
// The command line of `veneer` is written once: in a table per command. The parser (parser.h),
// --help (help.h), the words for a wrong line (usage.h), completion (complete.h) and the tests of
// the manual pages read the tables.
//
// Values. A table points into the options of its command, which its `run` keeps alive.
#ifndef VENEER_TOOLS_CLI_COMMAND_H_
#define VENEER_TOOLS_CLI_COMMAND_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

class Context;

// What completion offers for a value beside its words.
enum class Offer {
  kNothing,
  kFiles,
  kDirectories,
  kContainers,
  kImages,
  kContainersAndImages,
  kContainersOrDirectories,  // directories for a word that begins as a path
  kVariables,                // of the environment
  kCommands,                 // of `veneer`, and the verbs of a group
};

// What an option or an argument takes.
struct Value {
  enum class Form {
    kFree,      // the words are those that somebody may want
    kOneOf,     // any other word is a usage error
    kKeyValue,  // the words are keys, as in "until="
    kList,      // several words with commas between them
  };
  std::string_view name;  // in usage and help: "NAME"
  Offer offer = Offer::kNothing;
  std::vector<std::string_view> words = {};
  Form form = Form::kFree;
};

inline Value TextValue(std::string_view name) { return {name}; }
inline Value FileValue(std::string_view name) { return {name, Offer::kFiles}; }
inline Value DirectoryValue() { return {"DIR", Offer::kDirectories}; }
inline Value ImageValue(std::string_view name = "IMAGE") { return {name, Offer::kImages}; }
inline Value ContainerValue(std::string_view name = "CONTAINER") {
  return {name, Offer::kContainers};
}
inline Value ContainerOrImageValue(std::string_view name = "CONTAINER|IMAGE") {
  return {name, Offer::kContainersAndImages};
}
inline Value ContainerOrDirectoryValue() {
  return {"CONTAINER|DIR", Offer::kContainersOrDirectories};
}
inline Value WordsValue(std::string_view name, std::vector<std::string_view> words) {
  return {name, Offer::kNothing, std::move(words)};
}
inline Value OneOfValue(std::string_view name, std::vector<std::string_view> words) {
  return {name, Offer::kNothing, std::move(words), Value::Form::kOneOf};
}
inline Value FiltersValue(std::string_view name, std::vector<std::string_view> keys) {
  return {name, Offer::kNothing, std::move(keys), Value::Form::kKeyValue};
}
Value PlatformValue();
inline Value ProgressValue() { return OneOfValue("MODE", {"auto", "plain", "none"}); }
inline constexpr std::string_view kProgressHelp = "auto (a bar on a terminal), plain or none";
// Of a list, and of one document.
inline Value ListFormatValue() { return WordsValue("FORMAT", {"table", "json", "raw"}); }
inline Value DocumentFormatValue() { return WordsValue("FORMAT", {"json"}); }
inline constexpr std::string_view kListFormatHelp =
    "table, 'table TEMPLATE', raw, json, or a Go template for each line";

// Where the parser puts what it has read: a flag is true, a vector takes several.
using Target =
    std::variant<bool*, int*, std::string*, std::optional<std::string>*, std::vector<std::string>*>;

struct Option {
  Option(std::string_view all_names, bool* flag, std::string_view text)
      : names(all_names), target(flag), help(text) {}
  Option(std::string_view all_names, Target into, Value takes, std::string_view text)
      : names(all_names), target(into), value(std::move(takes)), help(text) {}

  // It cannot be given together with these.
  Option Excluding(std::vector<std::string_view> others) &&;
  // It has these names too, of which nothing is told: those that users of other programs type.
  Option AlsoNamed(std::string_view others) &&;
  // Nothing is told of it.
  Option Hidden() &&;
  // Of the program: it may stand behind every command.
  Option Everywhere() &&;

  bool takes_value() const { return !std::holds_alternative<bool*>(target); }
  // "--name" of "-n,--name".
  std::string_view long_name() const;
  bool HasName(std::string_view name) const;

  std::string_view names;  // "-n,--name"
  Target target;
  Value value = {};
  std::string_view help;
  std::vector<std::string_view> excludes = {};
  std::string_view other_names = {};
  bool hidden = false;
  bool everywhere = false;
};

// These two end the parsing: the program shows its help, or its version.
inline constexpr std::string_view kHelpNames = "-h,--help";
inline constexpr std::string_view kVersionNames = "-v,--version";

enum class Need { kRequired, kOptional };

// An argument. A vector takes all that are left.
struct Positional {
  Value value;
  Target target;
  std::string_view help;
  Need need = Need::kRequired;

  bool repeats() const { return std::holds_alternative<std::vector<std::string>*>(target); }
};

struct CommandSpec {
  std::string_view name;
  std::string_view summary;
  std::vector<Positional> positionals = {};
  std::vector<Option> options = {};
  std::function<Result<int>(Context& context)> run = {};  // gives the exit status; a group has none
  std::vector<CommandSpec> commands = {};                 // of a group
  std::vector<std::string_view> aliases = {};
  // How other programs call this. A person who types it is told our name.
  std::vector<std::string_view> known_as = {};
  std::string_view footer = {};  // of the help
  // The words behind the arguments are those of a program, with its own options: Context::program.
  bool takes_program = false;
  // The exit status where `veneer` fails and not the program that it runs.
  std::optional<int> own_failure = std::nullopt;
  // What a person most likely meant who gave an argument too many: "-i".
  std::string_view option_for_extra_word = {};
  bool hidden = false;

  bool is_group() const { return !commands.empty(); }
};

// The command `name` of a group, by name or alias; nullptr: there is none.
const CommandSpec* FindCommand(const CommandSpec& group, std::string_view name);

// From the program to the command that was named, with the groups between them.
using CommandPath = std::vector<const CommandSpec*>;
// "veneer image ls"
std::string FullName(const CommandPath& path);
// "image ls"; empty for the program itself.
std::string NameBelowProgram(const CommandPath& path);
// The option of the innermost command that has one of this name ("--name", "-n"); nullptr: none
// has.
const Option* FindOption(const CommandPath& path, std::string_view name);

// True for what is written like an option.
inline bool LooksLikeOption(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && word != "--";
}
// The option whose value is the word behind `word`; nullptr: `word` has its value with it, or takes
// none. REQUIRES: LooksLikeOption(word).
const Option* OptionWithValueBehind(const CommandPath& path, std::string_view word);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_COMMAND_H_
