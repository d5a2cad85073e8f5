// SPDX-License-Identifier: Apache-2.0
//
// What the kinds of steps that make a layer (RUN; COPY, ADD and WORKDIR) have in common: a key by
// which the layer is known, and the making of it.
#ifndef VENEER_TOOLS_BUILD_FILES_STEP_H_
#define VENEER_TOOLS_BUILD_FILES_STEP_H_

#include <optional>
#include <string>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/step_results.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/build_environment.h"
#include "tools/build/stage_image.h"

namespace veneer {

// What a step begins with. Borrowed.
struct StepBase {
  const BuildEnvironment& environment;
  const StageImage& image;
  size_t progress = 0;  // the step's number there
  const Cancellation* cancel = nullptr;
};

struct MadeLayer {
  StepResult result;
  // A container whose files became the layer: it goes with the commit that makes the image.
  std::optional<std::string> spent;
};

class FilesStep {
 public:
  virtual ~FilesStep() = default;
  // What the layer depends on. `writer`: for files that are made on the way. Call once, before
  // Make().
  virtual Result<Digest> Key(StoreWriter& writer) = 0;
  // Makes the layer, published in `writer`. REQUIRES: the image below is in the catalog.
  virtual Result<MadeLayer> Make(StoreWriter& writer) = 0;
  // Behind the commit of the image, or where there will be none.
  virtual void End() {}
};

// The time of what a step makes: SOURCE_DATE_EPOCH, else now.
Timestamp StepTime(const BuildSettings& settings);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_FILES_STEP_H_
