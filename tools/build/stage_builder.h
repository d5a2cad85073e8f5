// SPDX-License-Identifier: Apache-2.0
//
// One stage of a Dockerfile: its instructions, one after the other, each upon what the one before
// made. A stage runs in one thread.
#ifndef VENEER_TOOLS_BUILD_STAGE_BUILDER_H_
#define VENEER_TOOLS_BUILD_STAGE_BUILDER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/build_environment.h"
#include "tools/build/copy_step.h"
#include "tools/build/files_step.h"
#include "tools/build/run_mounts.h"
#include "tools/build/stage_image.h"
#include "tools/build/stage_plan.h"
#include "tools/build/stage_variables.h"
#include "tools/build/step_recorder.h"

namespace veneer {

// Where in the Dockerfile a build failed.
struct FailedInstruction {
  int first_line = 0;
  int last_line = 0;
};

// A stage within its build. Everything is borrowed.
struct StageWork {
  const Stage& stage;
  size_t index = 0;
  std::string title;       // "builder", "stage-1"
  size_t first_order = 0;  // steps of the stages before it, for StepTitle::order
  size_t total = 0;        // steps of the whole build
  const StageImage& base;
  // Of the stage that is the base; nullopt: an image is.
  std::optional<StageVariables> variables;
  // Files by the name in --from. Waits for the stage that it names.
  FilesFinder find;
  const Cancellation* cancel = nullptr;
};

// The steps of a stage that are told: FROM and the instructions that make a layer, and where
// `config` is true, those that change the config alone.
size_t CountSteps(const Stage& stage, bool config);

class StageBuilder {
 public:
  // Both outlive it.
  StageBuilder(const BuildEnvironment& environment, const StageWork& work);

  // All steps. The image is in the catalog when this returns. On failure failed() is the
  // instruction.
  Result<StageImage> Run();
  const std::optional<FailedInstruction>& failed() const { return failed_; }
  const StageVariables& variables() const { return variables_; }

 private:
  size_t Begin(const std::string& text);
  void TellBase();
  Result<void> BeginWithTriggers();
  Result<void> WaitForSources(const Instruction& instruction) const;
  Result<void> Step(const Instruction& instruction);
  Result<void> Carry(const Instruction& instruction, size_t progress);
  Result<void> Declare(const Instruction& instruction);
  Result<void> ChangeConfig(const Instruction& instruction, size_t progress);
  Result<void> Run(const Instruction& instruction, size_t progress);
  Result<void> Copy(const Instruction& instruction, size_t progress);
  Result<CopyCommand> CopyCommandOf(const Instruction& instruction, const CopyOptions& options);
  // Takes the layer from the cache, or makes it.
  Result<void> TakeLayer(FilesStep& step, const std::string& history, const Json& runtime);
  Result<void> TakeOrMake(FilesStep& step, StoreWriter& writer, const std::string& history,
                          const Json& runtime);
  // What the cache has for a step, here or elsewhere.
  Result<std::optional<StepResult>> FindStep(const Digest& key, StoreWriter& writer);
  Result<void> TakeResult(const Digest& key, const StepResult& result, const std::string& history,
                          const Json& runtime);
  Result<StageImage> With(const std::string& history, const Json& runtime,
                          const std::optional<StepResult>& files) const;
  Result<std::string> Expand(std::string_view word) const;
  bool UsesCache() const;

  const BuildEnvironment& environment_;
  const StageWork& work_;
  StageImage image_;
  StageVariables variables_;
  StepRecorder recorder_;
  std::unique_ptr<StoreWriter> writer_;  // of the next step; nullptr: it begins its own
  bool cmd_set_ = false;
  std::string author_;
  size_t number_ = 0;   // of the step, among those that are told
  bool cached_ = true;  // the step came from the cache, or is none
  std::optional<FailedInstruction> failed_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_STAGE_BUILDER_H_
