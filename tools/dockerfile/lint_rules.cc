// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/lint_rules.h"

#include <algorithm>
#include <array>

#include "layerdb/base/printable.h"
#include "tools/dockerfile/words.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

struct RuleWords {
  LintRule rule;
  std::string_view name;
  std::string_view page;
};

constexpr auto kRules = std::to_array<RuleWords>({
    {LintRule::kStageNameCasing, "StageNameCasing", "stage-name-casing"},
    {LintRule::kFromAsCasing, "FromAsCasing", "from-as-casing"},
    {LintRule::kNoEmptyContinuation, "NoEmptyContinuation", "no-empty-continuation"},
    {LintRule::kConsistentInstructionCasing, "ConsistentInstructionCasing",
     "consistent-instruction-casing"},
    {LintRule::kDuplicateStageName, "DuplicateStageName", "duplicate-stage-name"},
    {LintRule::kReservedStageName, "ReservedStageName", "reserved-stage-name"},
    {LintRule::kJsonArgsRecommended, "JSONArgsRecommended", "json-args-recommended"},
    {LintRule::kMaintainerDeprecated, "MaintainerDeprecated", "maintainer-deprecated"},
    {LintRule::kUndefinedArgInFrom, "UndefinedArgInFrom", "undefined-arg-in-from"},
    {LintRule::kWorkdirRelativePath, "WorkdirRelativePath", "workdir-relative-path"},
    {LintRule::kUndefinedVar, "UndefinedVar", "undefined-var"},
    {LintRule::kMultipleInstructionsDisallowed, "MultipleInstructionsDisallowed",
     "multiple-instructions-disallowed"},
    {LintRule::kLegacyKeyValueFormat, "LegacyKeyValueFormat", "legacy-key-value-format"},
    {LintRule::kRedundantTargetPlatform, "RedundantTargetPlatform", "redundant-target-platform"},
    {LintRule::kSecretsUsedInArgOrEnv, "SecretsUsedInArgOrEnv", "secrets-used-in-arg-or-env"},
    {LintRule::kInvalidDefaultArgInFrom, "InvalidDefaultArgInFrom", "invalid-default-arg-in-from"},
    {LintRule::kFromPlatformFlagConstDisallowed, "FromPlatformFlagConstDisallowed",
     "from-platform-flag-const-disallowed"},
    {LintRule::kCopyIgnoredFile, "CopyIgnoredFile", "copy-ignored-file"},
    {LintRule::kExposeProtoCasing, "ExposeProtoCasing", "expose-proto-casing"},
    {LintRule::kExposeInvalidFormat, "ExposeInvalidFormat", "expose-invalid-format"},
    {LintRule::kInvalidDefinitionDescription, "InvalidDefinitionDescription",
     "invalid-definition-description"},
});

const RuleWords& WordsOf(LintRule rule) {
  return *std::ranges::find(kRules, rule, &RuleWords::rule);
}

}  // namespace

std::string_view NameOf(LintRule rule) { return WordsOf(rule).name; }

std::string UrlOf(LintRule rule) {
  return "https://docs.docker.com/go/dockerfile/rule/" + std::string(WordsOf(rule).page) + "/";
}

bool LintSettings::Reports(LintRule rule) const {
  const std::string_view name = NameOf(rule);
  if (skip_all || skip.contains(name)) return false;
  return rule != LintRule::kInvalidDefinitionDescription || experimental_all ||
         experimental.contains(name);
}

Result<LintSettings> ParseLintSettings(std::string_view text) {
  LintSettings settings;
  const auto next = [](std::string_view* rest, char separator) {
    const std::string_view word = rest->substr(0, rest->find(separator));
    rest->remove_prefix(std::min(word.size() + 1, rest->size()));
    return TrimBlanks(word);
  };
  while (!text.empty()) {
    std::string_view word = next(&text, ';');
    if (word.empty()) continue;
    const std::string name = GoLower(next(&word, '='));
    if (name == "error") {
      const std::string value = GoLower(TrimBlanks(word));
      // As Go's strconv.ParseBool.
      const bool yes = value == "true" || value == "1" || value == "t";
      if (!yes && value != "false" && value != "0" && value != "f") {
        return MakeError("check: error=" + std::string(word) + ": it takes true or false",
                         ExitCode::kUsage);
      }
      settings.error = yes;
      continue;
    }
    if (name != "skip" && name != "experimental") {
      return MakeError(
          "check: " + QuotedExcerpt(name) + " is unknown; it takes skip=, error= and experimental=",
          ExitCode::kUsage);
    }
    auto& rules = name == "skip" ? settings.skip : settings.experimental;
    while (!word.empty()) rules.emplace(next(&word, ','));
  }
  settings.skip_all = settings.skip.contains("all");
  settings.experimental_all = settings.experimental.contains("all");
  return settings;
}

}  // namespace veneer
