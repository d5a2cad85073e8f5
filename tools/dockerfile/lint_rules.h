// SPDX-License-Identifier: Apache-2.0
//
// The build checks of Docker (docs.docker.com/reference/build-checks): their names, and which of
// them a Dockerfile asks for.
//
// Pure functions.
#ifndef VENEER_TOOLS_DOCKERFILE_LINT_RULES_H_
#define VENEER_TOOLS_DOCKERFILE_LINT_RULES_H_

#include <set>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

enum class LintRule {
  kStageNameCasing,
  kFromAsCasing,
  kNoEmptyContinuation,
  kConsistentInstructionCasing,
  kDuplicateStageName,
  kReservedStageName,
  kJsonArgsRecommended,
  kMaintainerDeprecated,
  kUndefinedArgInFrom,
  kWorkdirRelativePath,
  kUndefinedVar,
  kMultipleInstructionsDisallowed,
  kLegacyKeyValueFormat,
  kRedundantTargetPlatform,
  kSecretsUsedInArgOrEnv,
  kInvalidDefaultArgInFrom,
  kFromPlatformFlagConstDisallowed,
  kCopyIgnoredFile,
  kExposeProtoCasing,
  kExposeInvalidFormat,
  kInvalidDefinitionDescription,  // experimental
};

// "JSONArgsRecommended"
std::string_view NameOf(LintRule rule);
// Where Docker explains it.
std::string UrlOf(LintRule rule);

struct LintSettings {
  bool skip_all = false;
  std::set<std::string, std::less<>> skip;
  bool experimental_all = false;
  std::set<std::string, std::less<>> experimental;
  bool error = false;  // the build fails where a rule is broken

  // False: it is skipped, or experimental and not asked for.
  bool Reports(LintRule rule) const;
};

// The directive `check`, which the build argument BUILDKIT_DOCKERFILE_CHECK takes the place of:
//
//   skip=RULE,RULE;error=true;experimental=RULE
//
// "all" is every rule; names that no rule has mean nothing. Usage error: another word, and error=
// without true or false.
Result<LintSettings> ParseLintSettings(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_LINT_RULES_H_
