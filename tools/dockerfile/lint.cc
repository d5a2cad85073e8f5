// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/lint.h"

#include <algorithm>
#include <array>
#include <set>

#include "layerdb/base/printable.h"
#include "layerdb/model/reference.h"
#include "tools/dockerfile/instruction_options.h"
#include "tools/dockerfile/lint_names.h"
#include "tools/dockerfile/words.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

// Every build takes them, whatever its Dockerfile declares.
constexpr auto kProxyNames = std::to_array<std::string_view>(
    {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH"});
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
  std::string name;
  bool variables_known = false;
  std::set<std::string> variables;  // of ENV
  std::set<std::string> arguments;  // of ARG
  bool workdir_set = false;
  bool shell_set = false;
  std::map<std::string, const Instruction*> last;  // of those of which the last one counts
};

class Linter {
 public:
  Linter(const Dockerfile& file, const LintInputs& inputs, const LintSettings& settings)
      : file_(file), inputs_(inputs), settings_(settings) {}

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
        if (instruction.name == "ARG") DeclareGlobal(instruction);
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
    if (settings_.Reports(rule)) findings_.push_back({rule, std::move(message), first, last});
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
  void DeclareGlobal(const Instruction& instruction) {
    for (const std::string& word : SplitWords(instruction.arguments, file_.escape)) {
      const size_t equals = word.find('=');
      std::optional<std::string> value;
      if (equals != std::string::npos) {
        const auto expanded = ExpandGlobal(word.substr(equals + 1));
        if (expanded) value = *expanded;
      }
      globals_[word.substr(0, equals)] = value;
    }
  }

  // By the defaults alone, as whoever builds it first.
  Result<std::string> ExpandGlobal(std::string_view word) const {
    const auto lookup = [this](std::string_view name) -> std::optional<std::string> {
      if (const auto found = globals_.find(std::string(name));
          found != globals_.end() && found->second) {
        return found->second;
      }
      const auto found = inputs_.predefined.find(std::string(name));
      return found == inputs_.predefined.end() ? std::nullopt : std::optional(found->second);
    };
    return ExpandWord(word, lookup, file_.escape);
  }

  void CheckFrom(const Instruction& instruction) {
    StageFacts stage;
    const Result<FromOptions> from = ParseFrom(instruction);
    if (from) {
      CheckStageName(instruction, *from);
      CheckBase(instruction, *from);
      if (from->platform) CheckPlatform(instruction, *from);
      BeginStage(*from, &stage);
    }
    stages_.push_back(std::move(stage));
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
    if (std::ranges::find(stages_, *from.name, &StageFacts::name) != stages_.end()) {
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
      if (globals_.contains(name) || inputs_.predefined.contains(name)) continue;
      Report(LintRule::kUndefinedArgInFrom, "FROM argument '" + name + "' is not declared",
             instruction);
    }
    if (VariablesIn(from.base, file_.escape).empty()) return;
    const Result<std::string> base = ExpandGlobal(from.base);
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

  void BeginStage(const FromOptions& from, StageFacts* stage) const {
    stage->name = from.name.value_or("");
    const std::string base = ExpandGlobal(from.base).value_or("");
    const auto before = std::find_if(stages_.rbegin(), stages_.rend(), [&](const auto& each) {
      return !each.name.empty() && each.name == GoLower(base);
    });
    stage->variables = {"PATH"};
    if (before != stages_.rend()) {
      stage->variables_known = before->variables_known;
      stage->variables = before->variables;
      stage->arguments = before->arguments;
      stage->workdir_set = before->workdir_set;
      stage->shell_set = before->shell_set;
      return;
    }
    stage->variables_known = base == "scratch";
    if (stage->variables_known || base.empty() || !inputs_.variables_of) return;
    const auto of_image = inputs_.variables_of(base);
    stage->variables_known = of_image.has_value();
    for (const std::string& each : of_image.value_or(std::vector<std::string>())) {
      stage->variables.insert(each.substr(0, each.find('=')));
    }
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
    if (!stage.variables_known) return;
    std::string text = instruction.arguments;
    for (const InstructionFlag& flag : instruction.flags) text += " " + flag.value.value_or("");
    for (const std::string& name : VariablesIn(text, file_.escape)) {
      const bool known = stage.variables.contains(name) || stage.arguments.contains(name) ||
                         IsOneOf(GoUpper(name), kProxyNames);
      if (known) continue;
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
      (name == "ARG" ? stage->arguments : stage->variables).insert(key);
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
    std::string_view comment;
    std::string_view rest = inputs_.text;
    for (int line = 1; line < instruction.first_line && !rest.empty(); ++line) {
      comment = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(comment.size() + 1, rest.size()));
    }
    comment = TrimBlanks(comment);
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
  std::map<std::string, std::optional<std::string>> globals_;
  std::vector<StageFacts> stages_;
  std::vector<LintFinding> findings_;
};

}  // namespace

std::vector<LintFinding> LintDockerfile(const Dockerfile& file, const LintInputs& inputs,
                                        const LintSettings& settings) {
  return Linter(file, inputs, settings).Run();
}

}  // namespace veneer
