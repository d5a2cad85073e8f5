// SPDX-License-Identifier: Apache-2.0
//
// The variables of one stage: those of ENV, which the image keeps, and those of ARG, which the
// build alone has. Of both the later one counts, as in BuildKit (statement E59 about Docker's
// builders). Values; not thread-safe.
#ifndef VENEER_TOOLS_BUILD_STAGE_VARIABLES_H_
#define VENEER_TOOLS_BUILD_STAGE_VARIABLES_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/build/stage_plan.h"
#include "tools/dockerfile/config_change.h"

namespace veneer {

// What a build gives to all its stages.
struct BuildArguments {
  std::map<std::string, std::string> given;       // --build-arg
  std::map<std::string, std::string> predefined;  // TARGETPLATFORM and the like
  // ARG before the first FROM.
  std::vector<std::pair<std::string, std::optional<std::string>>> global;
};

class StageVariables {
 public:
  // `environment`: "Env" of the base. `arguments` outlives it.
  StageVariables(const BuildArguments& arguments, const std::vector<std::string>& environment);

  // Those of a stage that is built upon this one: all values go on, and no ARG is declared.
  StageVariables OfChild() const;

  std::optional<std::string> Lookup(std::string_view name) const;
  // ENV.
  void Set(const std::string& name, const std::string& value);
  // ARG: the value that is given, else its default, else that of an ARG before the first FROM, or
  // of a predefined one. Without any of them what was there stays.
  void Declare(const ArgWord& word);

  // What a RUN gets: NAME=VALUE, each name once, in the order of their first use.
  std::vector<std::string> Environment() const;
  // The proxies that a RUN gets beside them. No part of what a step is known by, nor of history.
  std::vector<std::string> Proxies() const;
  // The ARGs of the stage, as history tells them of a RUN: NAME=VALUE in the order of declaration,
  // NAME= without a value.
  std::vector<std::string> Arguments() const;

 private:
  void Put(const std::string& name, const std::string& value);

  const BuildArguments* arguments_;
  std::vector<std::pair<std::string, std::string>> values_;
  std::vector<std::string> declared_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_STAGE_VARIABLES_H_
