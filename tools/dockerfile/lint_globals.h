// SPDX-License-Identifier: Apache-2.0
//
// LintGlobals: the arguments that FROM may use: those of ARG before the first one, and those of the
// platform.
//
// Values; not thread-safe.
#ifndef VENEER_TOOLS_DOCKERFILE_LINT_GLOBALS_H_
#define VENEER_TOOLS_DOCKERFILE_LINT_GLOBALS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"
#include "tools/dockerfile/lint.h"

namespace veneer {

class LintGlobals {
 public:
  // `inputs` outlives it.
  LintGlobals(const LintInputs& inputs, char escape) : inputs_(inputs), escape_(escape) {}

  // What follows an ARG.
  void Declare(std::string_view words);
  bool Has(const std::string& name) const;

  // By the defaults alone, as for whoever builds without arguments. Usage error: ExpandWord().
  Result<std::string> ExpandByDefault(std::string_view word) const;
  // With the arguments that are given.
  Result<std::string> Expand(std::string_view word) const;

 private:
  struct Argument {
    std::optional<std::string> by_default;
    std::optional<std::string> value;
  };
  using Member = std::optional<std::string> Argument::*;

  Result<std::string> ExpandTo(std::string_view word, Member member) const;
  std::optional<std::string> ValueOf(std::string_view word, Member member) const;

  const LintInputs& inputs_;
  const char escape_;
  std::map<std::string, Argument> arguments_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_DOCKERFILE_LINT_GLOBALS_H_
