// SPDX-License-Identifier: Apache-2.0
//
// RUN: a command in a container of the image below, whose changes become a layer.
#ifndef VENEER_TOOLS_BUILD_RUN_STEP_H_
#define VENEER_TOOLS_BUILD_RUN_STEP_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/build/files_step.h"
#include "tools/build/run_mounts.h"
#include "tools/dockerfile/dockerfile.h"
#include "tools/dockerfile/run_options.h"
#include "tools/run/session_spec.h"

namespace veneer {

struct RunStepCommand {
  std::vector<std::string> argv;
  RunOptions options;
  std::vector<std::string> environment;  // NAME=VALUE; the step depends on them
  std::vector<std::string> proxies;      // and not on these
  std::string user;
  std::string working_dir;
  std::vector<SessionFile> files;  // scripts of heredocs
};

// What the instruction runs: the list, or the shell with the words; a heredoc alone is the text of
// a script, which says by "#!" who reads it, and else goes to the shell. `files`: that script.
struct RunWords {
  std::vector<std::string> argv;
  std::vector<SessionFile> files;
};
RunWords WordsOfRun(const Instruction& instruction, const std::vector<std::string>& shell);

class RunStep final : public FilesStep {
 public:
  // `base` outlives it.
  RunStep(const StepBase& base, RunStepCommand command, FilesFinder find);

  Result<Digest> Key(StoreWriter& writer) override;
  // A command that fails leaves its container, which the error names (Reason::kStepFailed).
  Result<MadeLayer> Make(StoreWriter& writer) override;
  void End() override;

 private:
  Result<SessionSpec> SpecOf(const ContainerRecord& container, StoreWriter& writer);
  Result<void> RunCommandIn(const ContainerRecord& container, StoreWriter& writer);
  tl::unexpected<Error> Keep(int exit_code);

  const StepBase& base_;
  const RunStepCommand command_;
  RunMounts mounts_;
  std::optional<OwnedContainer> container_;
  std::optional<ContainerLock> lock_;
  bool spent_ = false;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_RUN_STEP_H_
