// SPDX-License-Identifier: Apache-2.0
#include "tools/build/build.h"

#include <algorithm>
#include <utility>

#include "layerdb/base/mutex.h"
#include "layerdb/threads/worker.h"

namespace veneer {

namespace {

constexpr int kMaxTriggerRounds = 64;

// The images that stages need, each with the platform that FROM asks for.
std::set<std::pair<std::string, std::string>> NeededImages(const StagePlan& plan,
                                                           const std::set<std::string>& contexts) {
  std::set<std::pair<std::string, std::string>> needed;
  for (const size_t index : plan.needed) {
    const Stage& stage = plan.stages[index];
    for (const std::string& name : stage.images) {
      if (contexts.contains(name)) continue;
      const bool base = name == stage.base && !stage.base_stage;
      needed.emplace(name, base ? stage.platform.value_or("") : "");
    }
  }
  return needed;
}

// Puts the triggers of bases behind their FROM. True when there were any that were not there yet.
Result<bool> InsertTriggers(const PreparedBuild& prepared, std::set<int>* done,
                            Dockerfile* dockerfile) {
  bool inserted = false;
  for (const size_t index : prepared.plan.needed) {
    const Stage& stage = prepared.plan.stages[index];
    if (stage.base_stage || stage.base == "scratch" || done->contains(stage.line)) continue;
    done->insert(stage.line);
    const auto base = prepared.bases.images.find({stage.base, stage.platform.value_or("")});
    if (base == prepared.bases.images.end()) continue;
    VENEER_TRY(std::vector<Instruction> triggers, TriggersOf(base->second, stage.line));
    if (triggers.empty()) continue;
    const auto from = std::ranges::find_if(dockerfile->instructions, [&](const Instruction& each) {
      return each.name == "FROM" && each.first_line == stage.line;
    });
    dockerfile->instructions.insert(from + 1, std::make_move_iterator(triggers.begin()),
                                    std::make_move_iterator(triggers.end()));
    inserted = true;
  }
  return inserted;
}

struct StageResult {
  StageImage image;
  StageVariables variables;
};

// REQUIRES: the base is no stage.
Result<StageImage> FoundBaseOf(const PreparedBuild& prepared, const Stage& stage,
                               const Platform& platform) {
  if (stage.base == "scratch") return EmptyStageImage(platform);
  return prepared.bases.images.at({stage.base, stage.platform.value_or("")});
}

// The stages of a build and their threads.
class Builder {
 public:
  Builder(const BuildEnvironment& environment, const PreparedBuild& prepared,
          const Cancellation* cancel)
      : environment_(environment),
        prepared_(prepared),
        stop_(cancel),
        results_(prepared.plan.stages.size()) {
    for (const size_t index : prepared.plan.needed) {
      first_order_[index] = total_;
      total_ += CountSteps(prepared.plan.stages[index], environment.progress.TellsConfigSteps());
    }
  }

  tl::expected<StageImage, BuildFailure> Run(bool one_by_one) {
    std::vector<std::unique_ptr<Worker>> workers;
    for (const size_t index : prepared_.plan.needed) {
      // The target is built here: malloc asks the kernel for each page that another thread needs.
      if (one_by_one || index == prepared_.plan.target) continue;
      workers.push_back(std::make_unique<Worker>([this, index]() -> Result<void> {
        BuildStage(index);
        return {};
      }));
    }
    for (const size_t index : prepared_.plan.needed) {
      if (one_by_one || index == prepared_.plan.target) BuildStage(index);
    }
    for (const auto& worker : workers) IgnoreError(worker->Join(), "the failure is kept");
    const MutexLock lock(mutex_);
    if (failure_) return tl::unexpected(std::move(*failure_));
    return results_[prepared_.plan.target]->image;
  }

  // What stages have come to. Behind Run().
  std::vector<StageImage> Finished() {
    const MutexLock lock(mutex_);
    std::vector<StageImage> images;
    for (const std::optional<StageResult>& result : results_) {
      if (result) images.push_back(result->image);
    }
    return images;
  }

 private:
  // Waits for another stage. nullptr: the build has failed.
  const StageResult* WaitFor(size_t index) {
    const MutexLock lock(mutex_);
    while (!failure_ && !results_[index]) changed_.Wait(mutex_);
    return results_[index] ? &*results_[index] : nullptr;
  }

  void Fail(Error error, const std::optional<FailedInstruction>& instruction) {
    const MutexLock lock(mutex_);
    // What the others meet is only that they were asked to end.
    if (!failure_) failure_ = BuildFailure{std::move(error), instruction};
    stop_.Request();
    changed_.NotifyAll();
  }

  void BuildStage(size_t index) {
    std::optional<FailedInstruction> instruction;
    Result<StageResult> made = Cancelled();
    try {
      made = MakeStage(index, &instruction);
    } catch (const std::exception& e) {
      // Else who waits for the stage would wait for ever.
      made = MakeError(e.what());
    }
    if (!made) {
      Fail(made.error(), instruction);
      return;
    }
    const MutexLock lock(mutex_);
    results_[index].emplace(*std::move(made));
    changed_.NotifyAll();
  }

  static tl::unexpected<Error> Cancelled() {
    return tl::unexpected(Error("interrupted", ExitCode::kFailed, ECANCELED));
  }

  Result<StageResult> MakeStage(size_t index, std::optional<FailedInstruction>* failed) {
    const Stage& stage = prepared_.plan.stages[index];
    *failed = FailedInstruction{stage.line, stage.line};
    std::optional<StageImage> base;
    std::optional<StageVariables> variables;
    if (stage.base_stage) {
      const StageResult* const other = WaitFor(*stage.base_stage);
      if (other == nullptr) return Cancelled();
      base = other->image;
      variables = other->variables;
    } else {
      VENEER_TRY(base, FoundBaseOf(prepared_, stage, environment_.platform));
    }
    const StageWork work{stage,
                         index,
                         TitleOf(index),
                         first_order_[index],
                         total_,
                         *base,
                         std::move(variables),
                         [this, &stage](const std::string& from) { return Find(stage, from); },
                         &stop_};
    StageBuilder builder(environment_, work);
    Result<StageImage> image = builder.Run();
    if (builder.failed()) *failed = builder.failed();
    if (!image) return tl::unexpected(std::move(image).error());
    return StageResult{*std::move(image), builder.variables()};
  }

  // A stage that is the only one needs no name.
  std::string TitleOf(size_t index) const {
    const std::string& name = prepared_.plan.stages[index].name;
    if (!name.empty()) return name;
    return prepared_.plan.stages.size() == 1 ? "" : "stage-" + std::to_string(index);
  }

  BuildFiles FilesOf(const StageImage& image) const {
    BuildFiles files;
    files.stored = BuildFiles::Stored{LayersWithFiles(image), image.chain_id};
    files.open = [&store = environment_.store,
                  diff_ids = LayersWithFiles(image)]() -> Result<std::unique_ptr<SourceTree>> {
      VENEER_TRY(const std::string index, store.EnsureTree(diff_ids));
      return SourceTree::OfIndex(store, index);
    };
    return files;
  }

  Result<BuildFiles> Find(const Stage& stage, const std::string& from) {
    if (from.empty()) return environment_.context;
    if (const auto named = environment_.named_contexts.find(from);
        named != environment_.named_contexts.end()) {
      return named->second;
    }
    if (from == "scratch") {
      VENEER_TRY(const StageImage empty, EmptyStageImage(environment_.platform));
      return FilesOf(empty);
    }
    if (const auto other = stage.stage_of.find(from); other != stage.stage_of.end()) {
      const StageResult* const result = WaitFor(other->second);
      if (result == nullptr) return Cancelled();
      return FilesOf(result->image);
    }
    for (const std::string& platform : {std::string(), stage.platform.value_or("")}) {
      const auto image = prepared_.bases.images.find({from, platform});
      if (image != prepared_.bases.images.end()) return FilesOf(image->second);
    }
    return MakeError("no stage and no image is " + from, ExitCode::kNotFound);
  }

  const BuildEnvironment& environment_;
  const PreparedBuild& prepared_;
  Cancellation stop_;
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::optional<StageResult>> results_ GUARDED_BY(mutex_);  // of each stage
  std::optional<BuildFailure> failure_ GUARDED_BY(mutex_);
  std::map<size_t, size_t> first_order_;
  size_t total_ = 0;
};

}  // namespace

Result<PreparedBuild> PrepareBuild(const Store& store, Dockerfile dockerfile,
                                   const StagePlanOptions& options, const ImageFinder& find) {
  PreparedBuild prepared;
  std::set<int> done;
  for (int round = 0; round < kMaxTriggerRounds; ++round) {
    VENEER_TRY(prepared.plan, PlanStages(dockerfile, options));
    for (const auto& needed : NeededImages(prepared.plan, options.contexts)) {
      if (prepared.bases.images.contains(needed)) continue;
      VENEER_TRY(const ImageRecord record, find(needed.first, needed.second));
      VENEER_TRY(StageImage image, LoadStageImage(store, record));
      prepared.bases.images.emplace(needed, std::move(image));
    }
    VENEER_TRY(const bool more, InsertTriggers(prepared, &done, &dockerfile));
    if (!more) return prepared;
  }
  return MakeError("the triggers of the bases (ONBUILD) name further bases without end");
}

Result<StageImage> BaseOfTarget(const PreparedBuild& prepared, const Platform& platform) {
  const Stage* stage = &prepared.plan.stages[prepared.plan.target];
  while (stage->base_stage) stage = &prepared.plan.stages[*stage->base_stage];
  return FoundBaseOf(prepared, *stage, platform);
}

tl::expected<StageImage, BuildFailure> RunBuild(const BuildEnvironment& environment,
                                                const PreparedBuild& prepared, bool one_by_one,
                                                const Cancellation* cancel,
                                                std::vector<StageImage>* stages) {
  Builder builder(environment, prepared, cancel);
  auto image = builder.Run(one_by_one);
  if (stages != nullptr) *stages = builder.Finished();
  return image;
}

}  // namespace veneer
