// SPDX-License-Identifier: Apache-2.0
//
// StepRecorder: the images of a stage's steps on their way into the catalog. A step that only
// changes the config waits for the next one that makes a layer, or for the end, because each commit
// of the catalog is a write that must reach the disk. What is there already is not written again.
//
// Not thread-safe: each stage has its own.
#ifndef VENEER_TOOLS_BUILD_STEP_RECORDER_H_
#define VENEER_TOOLS_BUILD_STEP_RECORDER_H_

#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "tools/build/stage_image.h"

namespace veneer {

class StepRecorder {
 public:
  // Outlives it.
  explicit StepRecorder(Store& store) : store_(store) {}

  // The image of a step, which is in the catalog after the next Flush() at the latest. Where it is
  // there already, the time of its config says that it was used now.
  // True: it was there.
  Result<bool> Add(const StageImage& image);
  // The layer of a step is known by `key` from the next Flush() on.
  void Know(const Digest& key, const StepResult& result);
  // Writes all that waits, as the last write of `writer`. `spent`: a container whose files became
  // the layer (StoreWriter::LinkObject), which goes from the catalog in the same commit.
  Result<void> Flush(StoreWriter& writer, const std::optional<std::string>& spent = std::nullopt);
  // The same where anything waits, and with a writer of its own.
  Result<void> FlushIfWaiting(StoreWriter& writer);
  Result<void> Flush();

 private:
  Store& store_;
  struct Waiting {
    ImageRecord record;
    std::string text;
  };
  std::vector<Waiting> waiting_;
  std::vector<KeyedStepResult> steps_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_STEP_RECORDER_H_
