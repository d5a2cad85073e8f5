// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/lint.h"

#include <algorithm>
#include <array>
#include <deque>

#include "layerdb/model/reference.h"
#include "tools/dockerfile/instruction_options.h"
#include "tools/dockerfile/lint_globals.h"
#include "tools/dockerfile/lint_names.h"
#include "tools/dockerfile/lint_scope.h"
#include "tools/dockerfile/proxy_arguments.h"
#include "tools/dockerfile/words.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

// Their words are expanded before they are carried out; those of others are for a shell.
constexpr auto kExpanded = std::to_array<std::string_view>(
    {"ADD", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR", "ARG"});

template <class Names>
bool IsOneOf(std::string_view name, const Names& names) {
  return std::ranges::find(names, name) != std::end(names);
}

std::string_view CommandOf(const Instruction& instruction) {
  return SplitFirstWord(instruction.original).first;
}

// What is known of a stage so far.
struct StageFacts {
  LintScope scope{false};
  bool workdir_set = false;
  bool shell_set = false;
  std::map<std::string, const Instruction*> last;  // of those of which the last one counts
};

class Linter {
 public:
  Linter(const Dockerfile& file, const LintInputs& inputs, const LintSettings& settings)
      : file_(file),
        inputs_(inputs),
        settings_(settings),
        globals_(inputs, file.escape),
        rest_(inputs.text) {}

  std::vector<LintFinding> Run() {
    for (const DockerfileWarning& warning : file_.warnings) {
      Report(LintRule::kNoEmptyContinuation, "Empty continuation line: " + warning.text,
             warning.line, warning.line);
    }
    CheckCasing();
    for (const Instruction& instruction : file_.instructions) {
      if (instruction.name == "FROM") {
        CheckFrom(instruction);
      } else if (stages_.empty()) {
        if (instruction.name == "ARG") globals_.Declare(instruction.arguments);
      } else {
        CheckInStage(instruction, &stages_.back());
      }
      if (instruction.name == "ARG" || instruction.name == "FROM") CheckDescription(instruction);
    }
    std::ranges::stable_sort(findings_, {}, &LintFinding::first_line);
    return std::move(findings_);
  }

 private:
  void Report(LintRule rule, std::string message, int first, int last) {
    if (findings_.size() == kMaxLintFindings || !settings_.Reports(rule)) return;
    findings_.push_back({rule, std::move(message), first, last});
  }
  void Report(LintRule rule, std::string message, const Instruction& at) {
    Report(rule, std::move(message), at.first_line, at.last_line);
  }

  // Most instructions decide which case is the right one.
  void CheckCasing() {
    const auto first = std::ranges::find(file_.instructions, "FROM", &Instruction::name);
    int lower = 0;
    int upper = 0;
    for (auto at = first; at != file_.instructions.end(); ++at) {
      lower += IsLowerCase(CommandOf(*at)) ? 1 : 0;
      upper += IsUpperCase(CommandOf(*at)) ? 1 : 0;
    }
    const bool want_lower = lower > upper;
    for (auto at = first; at != file_.instructions.end(); ++at) {
      const std::string_view command = CommandOf(*at);
      if (want_lower ? IsLowerCase(command) : IsUpperCase(command)) continue;
      Report(LintRule::kConsistentInstructionCasing,
             "Command '" + std::string(command) +
                 "' should match the case of the command majority (" +
                 (want_lower ? "lowercase" : "uppercase") + ")",
             *at);
    }
  }

  // --- stages ---
  void CheckFrom(const Instruction& instruction) {
    const Result<FromOptions> from = ParseFrom(instruction);
    if (!from) {
      stages_.emplace_back();
      return;
    }
    CheckStageName(instruction, *from);
    CheckBase(instruction, *from);
    if (from->platform) CheckPlatform(instruction, *from);
    stages_.push_back(StageUpon(*from));
    if (from->name) stage_of_[*from->name] = &stages_.back();
  }

  void CheckStageName(const Instruction& instruction, const FromOptions& from) {
    const std::vector<std::string> words = SplitWords(instruction.arguments, file_.escape);
    if (!from.name || words.size() != 3) return;
    const std::string command(CommandOf(instruction));
    const std::string& as = words[1];
    if ((IsUpperCase(command) && !IsUpperCase(as)) || (IsLowerCase(command) && !IsLowerCase(as))) {
      Report(LintRule::kFromAsCasing,
             "'" + as + "' and '" + command + "' keywords' casing do not match", instruction);
    }
    if (!IsLowerCase(words[2])) {
      Report(LintRule::kStageNameCasing, "Stage name '" + words[2] + "' should be lowercase",
             instruction);
    }
    if (IsReservedStageName(*from.name)) {
      Report(LintRule::kReservedStageName,
             "Stage name should not use the same name as reserved stage \"" + *from.name + "\"",
             instruction);
    }
    if (stage_of_.contains(*from.name)) {
      Report(LintRule::kDuplicateStageName,
             "Duplicate stage name \"" + words[2] + "\", stage names should be unique",
             instruction);
    }
  }

  void CheckBase(const Instruction& instruction, const FromOptions& from) {
    std::vector<std::string> used = VariablesIn(from.base, file_.escape);
    for (const std::string& name : VariablesIn(from.platform.value_or(""), file_.escape)) {
      used.push_back(name);
    }
    for (const std::string& name : used) {
      if (globals_.Has(name)) continue;
      Report(LintRule::kUndefinedArgInFrom, "FROM argument '" + name + "' is not declared",
             instruction);
    }
    if (VariablesIn(from.base, file_.escape).empty()) return;
    const Result<std::string> base = globals_.ExpandByDefault(from.base);
    if (base && !base->empty() && ParseReference(*base)) return;
    Report(LintRule::kInvalidDefaultArgInFrom,
           "Default value for ARG " + from.base + " results in empty or invalid base image name",
           instruction);
  }

  void CheckPlatform(const Instruction& instruction, const FromOptions& from) {
    const std::string& platform = *from.platform;
    if (platform == "$TARGETPLATFORM" || platform == "${TARGETPLATFORM}") {
      Report(LintRule::kRedundantTargetPlatform,
             "Setting platform to predefined " + platform +
                 " in FROM is redundant as this is the default behavior",
             instruction);
    }
    if (platform.find('$') != std::string::npos) return;
    // One stage for each platform: its name tells so.
    std::string_view rest = platform;
    while (from.name && !rest.empty()) {
      const std::string_view part = rest.substr(0, rest.find('/'));
      if (!part.empty() && from.name->find(part) != std::string::npos) return;
      rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    }
    Report(LintRule::kFromPlatformFlagConstDisallowed,
           "FROM --platform flag should not use constant value \"" + platform + "\"", instruction);
  }

  StageFacts StageUpon(const FromOptions& from) {
    const std::string base = globals_.Expand(from.base).value_or("");
    StageFacts stage;
    if (const auto below = stage_of_.find(GoLower(base)); below != stage_of_.end()) {
      stage.scope = LintScope::Upon(below->second->scope);
      stage.workdir_set = below->second->workdir_set;
      stage.shell_set = below->second->shell_set;
    } else {
      stage.scope = LintScope::Upon(ScopeOfImage(base));
    }
    return stage;
  }

  const LintScope& ScopeOfImage(const std::string& name) {
    const auto known = images_.find(name);
    if (known != images_.end()) return known->second;
    std::optional<std::vector<std::string>> variables;
    if (name == "scratch") {
      variables.emplace();
    } else if (!name.empty() && inputs_.variables_of) {
      variables = inputs_.variables_of(name);
    }
    LintScope& scope = images_.emplace(name, LintScope(variables.has_value())).first->second;
    scope.Add("PATH");
    for (const std::string& each : variables.value_or(std::vector<std::string>())) {
      scope.Add(each.substr(0, each.find('=')));
    }
    return scope;
  }

  // --- instructions of a stage ---
  void CheckInStage(const Instruction& instruction, StageFacts* stage) {
    const std::string& name = instruction.name;
    if (IsOneOf(name, kExpanded)) CheckVariables(instruction, *stage);
    if (name == "ARG" || name == "ENV" || name == "LABEL") Declare(instruction, stage);
    if (name == "COPY" || name == "ADD") CheckCopy(instruction);
    if (name == "EXPOSE") CheckPorts(instruction);
    if (name == "WORKDIR") CheckDirectory(instruction, stage);
    if (name == "SHELL") stage->shell_set = true;
    if (name == "MAINTAINER") {
      Report(LintRule::kMaintainerDeprecated,
             "Maintainer instruction is deprecated in favor of using label", instruction);
    }
    if ((name == "CMD" || name == "ENTRYPOINT") && !instruction.list && !stage->shell_set) {
      Report(LintRule::kJsonArgsRecommended,
             "JSON arguments recommended for " + name +
                 " to prevent unintended behavior related to OS signals",
             instruction);
    }
    if (name == "CMD" || name == "ENTRYPOINT" || name == "HEALTHCHECK") {
      const Instruction*& last = stage->last[name];
      // The one before is the one that does nothing.
      if (last != nullptr) {
        Report(LintRule::kMultipleInstructionsDisallowed,
               "Multiple " + name +
                   " instructions should not be used in the same stage because only the last one "
                   "will be used",
               *last);
      }
      last = &instruction;
    }
  }

  void CheckVariables(const Instruction& instruction, const StageFacts& stage) {
    std::string text = instruction.arguments;
    for (const InstructionFlag& flag : instruction.flags) text += " " + flag.value.value_or("");
    for (const std::string& name : VariablesIn(text, file_.escape)) {
      if (stage.scope.MayHave(name) || IsOneOf(GoUpper(name), kProxyArguments) ||
          name == "SOURCE_DATE_EPOCH") {
        continue;
      }
      Report(LintRule::kUndefinedVar, "Usage of undefined variable '$" + name + "'", instruction);
    }
  }

  void Declare(const Instruction& instruction, StageFacts* stage) {
    const std::string& name = instruction.name;
    std::vector<std::string> words = SplitWords(instruction.arguments, file_.escape);
    if (words.empty()) return;
    if (name != "ARG" && words[0].find('=') == std::string::npos) {
      Report(LintRule::kLegacyKeyValueFormat,
             "\"" + name + " key=value\" should be used instead of legacy \"" + name +
                 " key value\" format",
             instruction);
      words.resize(1);
    }
    if (name == "LABEL") return;
    for (const std::string& word : words) {
      const std::string key = word.substr(0, word.find('='));
      if (LooksSecret(key)) {
        Report(
            LintRule::kSecretsUsedInArgOrEnv,
            "Do not use ARG or ENV instructions for sensitive data (" + name + " \"" + key + "\")",
            instruction);
      }
      stage->scope.Add(key);
    }
  }

  void CheckCopy(const Instruction& instruction) {
    const Result<CopyOptions> copy = ParseCopy(instruction);
    if (!copy || copy->from || inputs_.ignored == nullptr) return;
    for (const CopySource& source : copy->sources) {
      const bool remote =
          source.path.find("://") != std::string::npos || source.path.starts_with("git@");
      if (source.heredoc || remote || source.path.find('$') != std::string::npos) continue;
      std::string_view path = source.path;
      while (path.starts_with('/') || path.starts_with("./"))
        path.remove_prefix(path[0] == '/' ? 1 : 2);
      while (path.ends_with('/')) path.remove_suffix(1);
      if (path.empty() || path == "." || !inputs_.ignored->Ignores(path)) continue;
      Report(LintRule::kCopyIgnoredFile,
             std::string("Attempting to ") + (instruction.name == "ADD" ? "Add" : "Copy") +
                 " file \"" + source.path + "\" that is excluded by .dockerignore",
             instruction);
    }
  }

  void CheckPorts(const Instruction& instruction) {
    for (const std::string& word : SplitWords(instruction.arguments, file_.escape)) {
      if (word.find('$') != std::string::npos) continue;
      if (word.find(':') != std::string::npos) {
        Report(LintRule::kExposeInvalidFormat,
               "EXPOSE instruction should not define an IP address or host-port mapping, found '" +
                   word + "'",
               instruction);
      }
      const size_t slash = word.find('/');
      if (slash == std::string::npos || IsLowerCase(word.substr(slash))) continue;
      Report(LintRule::kExposeProtoCasing,
             "Defined protocol '" + word + "' in EXPOSE instruction should be lowercase",
             instruction);
    }
  }

  void CheckDirectory(const Instruction& instruction, StageFacts* stage) {
    const std::string_view path = TrimBlanks(instruction.arguments);
    if (path.find('$') != std::string_view::npos) return;
    if (path.starts_with('/') || path.starts_with("\"/")) {
      stage->workdir_set = true;
    } else if (!stage->workdir_set) {
      Report(LintRule::kWorkdirRelativePath,
             "Relative workdir \"" + std::string(path) +
                 "\" can have unexpected results if the base image changes",
             instruction);
    }
  }

  // A comment right above says what the argument or the stage is for: "# NAME text".
  void CheckDescription(const Instruction& instruction) {
    // Instructions come in their order: what was passed is not looked at again.
    for (; line_ < instruction.first_line && !rest_.empty(); ++line_) {
      above_ = rest_.substr(0, rest_.find('\n'));
      rest_.remove_prefix(std::min(above_.size() + 1, rest_.size()));
    }
    std::string_view comment = TrimBlanks(above_);
    if (!comment.starts_with('#')) return;
    comment = TrimBlanks(comment.substr(1));
    const std::vector<std::string> words = SplitWords(instruction.arguments, file_.escape);
    const size_t place = instruction.name == "ARG" ? 0 : 2;
    if (words.size() <= place) return;
    const std::string name = words[place].substr(0, words[place].find('='));
    if (SplitFirstWord(comment).first == name) return;
    Report(LintRule::kInvalidDefinitionDescription,
           "Comment for " + std::string(place == 0 ? "build argument" : "build stage") +
               " should follow the format: `# " + name + " <description>`",
           instruction);
  }

  const Dockerfile& file_;
  const LintInputs& inputs_;
  const LintSettings& settings_;
  LintGlobals globals_;
  std::map<std::string, LintScope> images_;
  std::deque<StageFacts> stages_;  // which do not move
  std::map<std::string, const StageFacts*> stage_of_;
  std::string_view rest_;   // of the text, from line_ on
  std::string_view above_;  // the line before
  int line_ = 1;
  std::vector<LintFinding> findings_;
};

}  // namespace

std::vector<LintFinding> LintDockerfile(const Dockerfile& file, const LintInputs& inputs,
                                        const LintSettings& settings) {
  return Linter(file, inputs, settings).Run();
}

}  // namespace veneer
