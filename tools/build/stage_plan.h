// SPDX-License-Identifier: Apache-2.0
//
// The stages of a Dockerfile, what each needs of the others, and which of them a build makes (the
// Dockerfile reference, "FROM", "Understand how ARG and FROM interact"). Pure functions.
#ifndef VENEER_TOOLS_BUILD_STAGE_PLAN_H_
#define VENEER_TOOLS_BUILD_STAGE_PLAN_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {

struct Stage {
  std::string name;  // in lower case; empty: it has none
  int line = 0;      // of its FROM
  // What it starts from: another stage, or else an image; "scratch" is no image.
  std::optional<size_t> base_stage;
  std::string base;
  std::optional<std::string> platform;
  std::vector<Instruction> instructions;  // behind FROM
  // What COPY --from and RUN --mount=from= take from, base included.
  std::set<size_t> stages;
  std::set<std::string> images;
  // What of the names there are stages; the others are images or contexts.
  std::map<std::string, size_t> stage_of = {};
};

struct StagePlan {
  // ARG before the first FROM, with their values; nullopt: it has none.
  std::vector<std::pair<std::string, std::optional<std::string>>> arguments;
  std::vector<Stage> stages;
  size_t target = 0;
  std::vector<size_t> needed;  // for the target, itself included, in the order of the Dockerfile
};

struct StagePlanOptions {
  std::map<std::string, std::string> build_args;
  // What FROM may use without an ARG: "TARGETPLATFORM" and the like.
  std::map<std::string, std::string> predefined;
  std::optional<std::string> target;  // the name of a stage; nullopt: the last one
  std::set<std::string> contexts;     // names of --build-context, which go before images
};

// Usage errors, with the line: a base that is empty, a stage that takes from itself or whose needs
// go round in a circle, a number that is no earlier stage, a target that no stage has.
Result<StagePlan> PlanStages(const Dockerfile& dockerfile, const StagePlanOptions& options);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_STAGE_PLAN_H_
