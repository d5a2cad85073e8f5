// SPDX-License-Identifier: Apache-2.0
//
// A build: the stages of a Dockerfile that its target needs, side by side where none needs the
// other, become images of the store.
#ifndef VENEER_TOOLS_BUILD_BUILD_H_
#define VENEER_TOOLS_BUILD_BUILD_H_

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "layerdb/base/result.h"
#include "tools/build/build_environment.h"
#include "tools/build/stage_builder.h"
#include "tools/build/stage_image.h"
#include "tools/build/stage_plan.h"
#include "tools/dockerfile/dockerfile.h"

namespace veneer {

// The images that a build starts from, found or pulled before it starts.
struct BaseImages {
  // By the name in FROM or --from, and the platform where one is asked for.
  std::map<std::pair<std::string, std::string>, StageImage> images;
};
// Finds or pulls an image. `platform`: "OS/ARCH"; empty: the build's own.
using ImageFinder =
    std::function<Result<ImageRecord>(const std::string& name, const std::string& platform)>;

// Plans the stages, and finds all images that they need. The triggers that a base has for what is
// built upon it (ONBUILD) become instructions of the stage, and are planned with it.
struct PreparedBuild {
  StagePlan plan;
  BaseImages bases;
};
Result<PreparedBuild> PrepareBuild(const Store& store, Dockerfile dockerfile,
                                   const StagePlanOptions& options, const ImageFinder& find);

struct BuildFailure {
  Error error;
  std::optional<FailedInstruction> instruction;
};

// Builds the target. The first stage that fails ends the others. REQUIRES: `environment.sessions`
// was started before any thread.
tl::expected<StageImage, BuildFailure> RunBuild(const BuildEnvironment& environment,
                                                const PreparedBuild& prepared, bool one_by_one,
                                                const Cancellation* cancel);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_BUILD_H_
