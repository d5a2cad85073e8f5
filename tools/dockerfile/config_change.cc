// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/config_change.h"

#include <algorithm>
#include <utility>

#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/flags.h"
#include "tools/dockerfile/instruction_applier.h"
#include "tools/oci/config.h"

namespace veneer {

namespace {

// The value that a config's "Env" has for a name.
std::optional<std::string> ConfigVariable(const Json& config, std::string_view name) {
  const auto list = config.find("Env");
  if (list == config.end() || !list->is_array()) return std::nullopt;
  for (const Json& item : *list) {
    if (!item.is_string()) continue;
    const std::string_view entry = item.get_ref<const std::string&>();
    const size_t equals = entry.find('=');
    if (entry.substr(0, equals) != name) continue;
    return std::string(equals == std::string_view::npos ? "" : entry.substr(equals + 1));
  }
  // What a program gets where the image says nothing, so that PATH=/opt/bin:$PATH finds the rest.
  if (name == "PATH") return std::string(kDefaultPath);
  return std::nullopt;
}

Result<Instruction> ToInstruction(const ConfigChange& change) {
  Instruction instruction;
  instruction.name = change.instruction;
  if (change.instruction != "HEALTHCHECK") {
    instruction.arguments = change.arguments;
    return instruction;
  }
  VENEER_TRY(SplitFlags split, ParseFlags(change.arguments));
  instruction.flags = std::move(split.flags);
  instruction.arguments = split.rest;
  return instruction;
}

Result<void> ApplyChange(const ConfigChange& change, bool* cmd_set, Json* config) {
  const auto lookup = [config](std::string_view name) { return ConfigVariable(*config, name); };
  std::string author;  // no change sets it
  const StageScope scope{.lookup = lookup, .escape = '\\', .cmd_set = cmd_set, .author = &author};
  const auto apply = [&]() -> Result<void> {
    VENEER_TRY(const Instruction instruction, ToInstruction(change));
    return ApplyTo(config, instruction, scope, InstructionRules::kChange);
  };
  Result<void> done = apply();
  if (done) return done;
  return tl::unexpected(std::move(done).error().Context(change.instruction));
}

Result<void> CheckIsObject(Json* config) {
  if (config->is_null()) *config = Json::object();
  if (config->is_object()) return {};
  return MakeError("\"config\" of the image's config is not an object");
}

tl::unexpected<Error> AtInstruction(const Instruction& instruction, Error error) {
  error = std::move(error).Context(instruction.name);
  if (instruction.first_line == 0) return tl::unexpected(std::move(error));
  return tl::unexpected(std::move(error).Context("line " + std::to_string(instruction.first_line)));
}

Result<ArgWord> ParseArgWord(std::string_view word, VariableLookup lookup, char escape) {
  const size_t equals = word.find('=');
  ArgWord arg;
  VENEER_TRY(arg.name, ExpandWord(word.substr(0, equals), lookup, escape));
  if (arg.name.empty()) return InstructionError("a name is empty");
  if (arg.name.find('=') != std::string::npos) return InstructionError("a name has a = in it");
  if (equals != std::string_view::npos) {
    VENEER_TRY(arg.value, ExpandWord(word.substr(equals + 1), lookup, escape));
  }
  return arg;
}

}  // namespace

Result<std::vector<ConfigChange>> ParseConfigChanges(const std::vector<std::string>& texts) {
  std::vector<ConfigChange> changes;
  for (const std::string& text : texts) {
    const std::vector<std::string> instructions = SplitInstructions(text);
    if (instructions.empty()) return InstructionError("the instruction is missing");
    for (const std::string& instruction : instructions) {
      const auto [word, rest] = SplitFirstWord(instruction);
      changes.push_back({UpperCase(word), std::string(rest)});
    }
  }
  // An empty config is as good as another to find what is wrong, but for what a variable holds.
  for (const ConfigChange& change : changes) {
    const bool variables = change.arguments.find('$') != std::string::npos;
    if (variables && ChangesConfig(change.instruction)) continue;
    Json config = Json::object();
    bool cmd_set = false;
    VENEER_TRY_VOID(ApplyChange(change, &cmd_set, &config));
  }
  return changes;
}

Result<void> ApplyConfigChanges(const std::vector<ConfigChange>& changes, Json* config) {
  VENEER_TRY_VOID(CheckIsObject(config));
  bool cmd_set = false;
  for (const ConfigChange& change : changes) {
    VENEER_TRY_VOID(ApplyChange(change, &cmd_set, config));
  }
  return {};
}

Result<void> ApplyInstruction(const Instruction& instruction, const StageScope& scope,
                              Json* config) {
  VENEER_TRY_VOID(CheckIsObject(config));
  if (instruction.name == "MAINTAINER") {
    if (instruction.arguments.empty()) {
      return AtInstruction(instruction, Error("the name is missing", ExitCode::kUsage));
    }
    *scope.author = instruction.arguments;
    if (scope.history != nullptr) *scope.history = "MAINTAINER " + instruction.arguments;
    return {};
  }
  Result<void> done = ApplyTo(config, instruction, scope, InstructionRules::kBuild);
  if (done) return done;
  return AtInstruction(instruction, std::move(done).error());
}

Result<std::vector<std::string>> ShellOf(const Json& config) {
  VENEER_TRY(auto shell, GetStrings(config, "Shell"));
  if (shell && !shell->empty()) return *std::move(shell);
  return std::vector<std::string>{"/bin/sh", "-c"};
}

Result<std::vector<ArgWord>> ParseArg(const Instruction& instruction, const StageScope& scope,
                                      VariableLookup given) {
  std::vector<ArgWord> args;
  const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
    // The last one of a name that has a value; ARG A=1 A leaves 1.
    for (size_t i = args.size(); i-- > 0;) {
      if (args[i].name != name) continue;
      if (auto value = given(name)) return value;
      if (args[i].value) return args[i].value;
    }
    return scope.lookup(name);
  };
  for (const std::string& word : SplitWords(instruction.arguments, scope.escape)) {
    Result<ArgWord> arg = ParseArgWord(word, lookup, scope.escape);
    if (!arg) return AtInstruction(instruction, std::move(arg).error());
    args.push_back(*std::move(arg));
  }
  if (args.empty()) {
    return AtInstruction(instruction, Error("NAME[=DEFAULT] is missing", ExitCode::kUsage));
  }
  return args;
}

Result<std::vector<ArgWord>> ParseArg(const Instruction& instruction, const StageScope& scope) {
  const auto nothing = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
  return ParseArg(instruction, scope, nothing);
}

}  // namespace veneer
