// SPDX-License-Identifier: Apache-2.0
//
// What becomes of the image that a build has made: it goes where --output says, and files tell what
// it is.
#ifndef VENEER_TOOLS_CLI_FINISH_BUILD_H_
#define VENEER_TOOLS_CLI_FINISH_BUILD_H_

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/build_progress.h"
#include "tools/build/stage_image.h"
#include "tools/build/used_steps.h"
#include "tools/cli/build_options.h"

namespace veneer {

// All is borrowed.
struct FinishedBuild {
  Store& store;
  StoreWriter& writer;  // has lived since before the build
  BuildProgress& progress;
  const BuildArgumentsGiven& given;
  const BuildRequest& request;
  bool owners = true;  // BuildOutputOptions::owners
  const Cancellation* cancel = nullptr;
  const UsedSteps* inline_cache = nullptr;  // goes into the config; null: there is none
};

// Gives the image its labels, its names and its places. Its id. What is written before something
// fails stays; the image has its names only when all else is written.
Result<Digest> FinishBuild(const FinishedBuild& build, StageImage image);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_FINISH_BUILD_H_
