// SPDX-License-Identifier: Apache-2.0
#include "tools/build/stage_plan.h"

#include <algorithm>
#include <utility>

#include "layerdb/base/parse.h"
#include "tools/dockerfile/config_change.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/instruction_options.h"
#include "tools/dockerfile/run_options.h"
#include "tools/dockerfile/words.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

tl::unexpected<Error> AtLine(int line, const std::string& why) {
  return InstructionError("line " + std::to_string(line) + ": " + why);
}

class Planner {
 public:
  Planner(const Dockerfile& dockerfile, const StagePlanOptions& options)
      : dockerfile_(dockerfile), options_(options) {}

  Result<StagePlan> Run() {
    for (const Instruction& instruction : dockerfile_.instructions) {
      if (instruction.name == "FROM") {
        VENEER_TRY_VOID(Begin(instruction));
      } else if (plan_.stages.empty()) {
        VENEER_TRY_VOID(Argument(instruction));
      } else {
        plan_.stages.back().instructions.push_back(instruction);
      }
    }
    for (size_t i = 0; i < plan_.stages.size(); ++i) VENEER_TRY_VOID(FindNeeds(i));
    VENEER_TRY_VOID(ChooseTarget());
    VENEER_TRY_VOID(Need(plan_.target));
    for (size_t i = 0; i < plan_.stages.size(); ++i) {
      if (state_[i] == State::kDone) plan_.needed.push_back(i);
    }
    return std::move(plan_);
  }

 private:
  enum class State { kNew, kOnTheWay, kDone };

  std::optional<std::string> Variable(std::string_view name) const {
    for (auto it = plan_.arguments.rbegin(); it != plan_.arguments.rend(); ++it) {
      if (it->first == name) return it->second;
    }
    const auto known = options_.predefined.find(std::string(name));
    return known == options_.predefined.end() ? std::nullopt : std::optional(known->second);
  }

  std::optional<std::string> Given(std::string_view name) const {
    const auto given = options_.build_args.find(std::string(name));
    return given == options_.build_args.end() ? std::nullopt : std::optional(given->second);
  }

  Result<void> Argument(const Instruction& instruction) {
    bool cmd_set = false;
    std::string author;
    const auto lookup = [this](std::string_view name) { return Variable(name); };
    const StageScope scope{lookup, dockerfile_.escape, &cmd_set, &author};
    VENEER_TRY(const std::vector<ArgWord> words,
               ParseArg(instruction, scope, [this](std::string_view name) { return Given(name); }));
    for (const ArgWord& word : words) {
      std::optional<std::string> value = Given(word.name);
      if (!value) value = word.value ? word.value : Variable(word.name);
      plan_.arguments.emplace_back(word.name, std::move(value));
    }
    return {};
  }

  Result<std::string> Expand(const Instruction& instruction, const std::string& word) const {
    Result<std::string> value = ExpandWord(
        word, [this](std::string_view name) { return Variable(name); }, dockerfile_.escape);
    if (value) return value;
    return AtLine(instruction.first_line, "FROM: " + value.error().message());
  }

  // Of stages of one name, the last one before `end` counts.
  std::optional<size_t> StageNamed(const std::string& name, size_t end) const {
    const std::string wanted = GoLower(name);
    for (size_t i = end; i > 0; --i) {
      if (!wanted.empty() && plan_.stages[i - 1].name == wanted) return i - 1;
    }
    return std::nullopt;
  }

  Result<void> Begin(const Instruction& instruction) {
    Result<FromOptions> from = ParseFrom(instruction);
    if (!from) return AtLine(instruction.first_line, from.error().message());
    Stage stage;
    stage.name = from->name.value_or("");
    stage.line = instruction.first_line;
    VENEER_TRY(stage.base, Expand(instruction, from->base));
    if (stage.base.empty()) {
      return AtLine(instruction.first_line,
                    "FROM: the name of the base, " + from->base +
                        ", is empty; give its variable a default in an ARG before FROM");
    }
    if (from->platform) {
      VENEER_TRY(stage.platform, Expand(instruction, *from->platform));
      if (stage.platform->empty()) stage.platform.reset();
    }
    stage.base_stage = StageNamed(stage.base, plan_.stages.size());
    if (stage.base_stage) {
      stage.stages.insert(*stage.base_stage);
    } else if (stage.base != "scratch") {
      stage.images.insert(stage.base);
    }
    plan_.stages.push_back(std::move(stage));
    state_.push_back(State::kNew);
    return {};
  }

  // --- what a stage takes from others ---
  Result<void> FindNeeds(size_t index) {
    for (const Instruction& instruction : plan_.stages[index].instructions) {
      std::vector<std::string> names;
      if (instruction.name == "COPY") {
        Result<CopyOptions> copy = ParseCopy(instruction);
        if (!copy) return AtLine(instruction.first_line, "COPY: " + copy.error().message());
        if (copy->from) names.push_back(*copy->from);
      } else if (instruction.name == "RUN") {
        Result<std::vector<std::string>> sources = RunMountSources(instruction);
        if (!sources) return AtLine(instruction.first_line, "RUN: " + sources.error().message());
        names = *std::move(sources);
      }
      for (const std::string& name : names) {
        VENEER_TRY_VOID(AddNeed(index, instruction, name));
      }
    }
    return {};
  }

  Result<void> AddNeed(size_t index, const Instruction& instruction, const std::string& name) {
    Stage& stage = plan_.stages[index];
    if (options_.contexts.contains(name) || name == "scratch") return {};
    std::optional<size_t> found = StageNamed(name, plan_.stages.size());
    size_t number = 0;
    if (!found && ParseNumber(std::string_view(name), &number)) {
      if (number >= index) {
        return AtLine(instruction.first_line, instruction.name + ": stage " + name +
                                                  " is not before this one, which is " +
                                                  std::to_string(index));
      }
      found = number;
    }
    if (found == index) {
      return AtLine(instruction.first_line,
                    instruction.name + ": stage " + name + " takes from itself");
    }
    if (found) {
      stage.stages.insert(*found);
      stage.stage_of.emplace(name, *found);
    } else {
      stage.images.insert(name);
    }
    return {};
  }

  Result<void> ChooseTarget() {
    plan_.target = plan_.stages.size() - 1;
    if (!options_.target) return {};
    if (const auto found = StageNamed(*options_.target, plan_.stages.size())) {
      plan_.target = *found;
      return {};
    }
    std::string names;
    for (const Stage& stage : plan_.stages) {
      if (!stage.name.empty()) names += (names.empty() ? "" : ", ") + stage.name;
    }
    return MakeError("no stage is named " + *options_.target +
                         (names.empty() ? "; none has a name" : "; there are " + names),
                     ExitCode::kUsage);
  }

  // Marks a stage and all that it needs. A chain of stages may be as long as a Dockerfile.
  Result<void> Need(size_t target) {
    std::vector<std::pair<size_t, std::set<size_t>::const_iterator>> way;
    const auto enter = [&](size_t stage) {
      state_[stage] = State::kOnTheWay;
      way.emplace_back(stage, plan_.stages[stage].stages.begin());
    };
    enter(target);
    while (!way.empty()) {
      auto& [stage, next] = way.back();
      if (next == plan_.stages[stage].stages.end()) {
        state_[stage] = State::kDone;
        way.pop_back();
        continue;
      }
      const size_t needed = *next++;
      if (state_[needed] == State::kOnTheWay) {
        return AtLine(plan_.stages[needed].line, "the stage needs a stage that needs it");
      }
      if (state_[needed] == State::kNew) enter(needed);
    }
    return {};
  }

  const Dockerfile& dockerfile_;
  const StagePlanOptions& options_;
  StagePlan plan_;
  std::vector<State> state_;  // of each stage
};

}  // namespace

Result<StagePlan> PlanStages(const Dockerfile& dockerfile, const StagePlanOptions& options) {
  return Planner(dockerfile, options).Run();
}

}  // namespace veneer
