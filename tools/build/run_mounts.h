// SPDX-License-Identifier: Apache-2.0
//
// What RUN --mount puts into the session of a step (the Dockerfile reference, "RUN --mount"): trees
// of the context, of stages and of images; caches, which stay in the store; temporary file systems;
// secrets and agents. Nothing of it is part of the step's layer.
#ifndef VENEER_TOOLS_BUILD_RUN_MOUNTS_H_
#define VENEER_TOOLS_BUILD_RUN_MOUNTS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store_writer.h"
#include "tools/build/copy_tree.h"
#include "tools/build/files_step.h"
#include "tools/build/step_key.h"
#include "tools/dockerfile/run_mount.h"
#include "tools/run/session_spec.h"

namespace veneer {

// The files that `from` names; empty: the context. Waits for a stage.
using FilesFinder = std::function<Result<BuildFiles>(const std::string& from)>;

class RunMounts {
 public:
  // Everything outlives it. `working_dir`: of the step, for targets that are relative to it.
  RunMounts(const StepBase& base, FilesFinder find, std::string working_dir);
  ~RunMounts();  // gives the caches free

  // Looks for what is mounted, and adds to `key` what the step depends on: the contents of trees,
  // what a new cache begins with, and how everything is mounted, but neither what caches hold nor
  // secrets (statement E88 about Docker's builders). Errors: a source that is not there.
  Result<void> Prepare(const std::vector<RunMount>& mounts, StepKey* key);
  // Adds the mounts to a session. Waits for a cache that another step has to itself. Errors: a
  // secret or an agent that is required and not given, or cannot be read.
  Result<void> AddTo(StoreWriter& writer, SessionSpec* spec);

 private:
  struct Prepared;
  Result<void> PrepareTree(Prepared* prepared, StepKey* key);
  Result<void> AddTree(const Prepared& prepared, StoreWriter& writer, SessionSpec* spec);
  Result<void> AddCache(Prepared* prepared, SessionSpec* spec);
  Result<void> FillCache(Prepared* prepared, int directory) const;
  Result<void> AddSecret(const RunMount& mount, SessionSpec* spec);
  Result<void> AddAgent(const RunMount& mount, SessionSpec* spec);
  std::string TargetOf(const RunMount& mount) const;

  const StepBase& base_;
  const FilesFinder find_;
  const std::string working_dir_;
  std::vector<std::unique_ptr<Prepared>> prepared_;
  std::vector<Fd> locks_;  // of caches
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_RUN_MOUNTS_H_
