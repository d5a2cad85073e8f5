// SPDX-License-Identifier: Apache-2.0
//
// What is allowed in a Dockerfile and is a mistake all the same, by the rules of lint_rules.h.
//
// Pure function.
#ifndef VENEER_TOOLS_DOCKERFILE_LINT_H_
#define VENEER_TOOLS_DOCKERFILE_LINT_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/dockerfile/dockerfile.h"
#include "tools/dockerfile/ignore_file.h"
#include "tools/dockerfile/lint_rules.h"

namespace veneer {

struct LintFinding {
  LintRule rule;
  std::string message;
  int first_line = 0;
  int last_line = 0;
};

struct LintInputs {
  std::string_view text;  // of the Dockerfile, for comments
  // The variables of an image that a stage begins with, as NAME=VALUE; nullopt: they are not known,
  // and then no variable of that stage is said to be undefined.
  std::function<std::optional<std::vector<std::string>>(const std::string& image)> variables_of;
  const IgnoreFile* ignored = nullptr;            // of the context; may be null
  std::map<std::string, std::string> predefined;  // arguments of the platform
  std::map<std::string, std::string> given;       // arguments that the caller gives
};

// A Dockerfile of a stranger may have a mistake in each word. Those of people have some.
inline constexpr size_t kMaxLintFindings = 1000;

// What `settings` wants reported, by line, at most kMaxLintFindings. An instruction that cannot be
// read is left to whoever carries it out.
std::vector<LintFinding> LintDockerfile(const Dockerfile& file, const LintInputs& inputs,
                                        const LintSettings& settings);

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_LINT_H_
