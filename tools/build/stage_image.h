// SPDX-License-Identifier: Apache-2.0
//
// The image that a stage has come to: what its base was, and what each step made of it. Values;
// what is stored is the concern of step_recorder.h.
#ifndef VENEER_TOOLS_BUILD_STAGE_IMAGE_H_
#define VENEER_TOOLS_BUILD_STAGE_IMAGE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"
#include "tools/dockerfile/dockerfile.h"
#include "tools/oci/config.h"
#include "tools/oci/platform.h"

namespace veneer {

struct StageImage {
  ImageConfig config;
  std::string text;              // of the config
  Digest id;                     // of `text`
  std::optional<Digest> parent;  // the image that the last step began with
  Digest chain_id;
  uint64_t size = 0;  // bytes of all files, for listings

  // What the catalog records of it. `step`: ImageRecord::step.
  ImageRecord Record(bool step) const;
};

// An image of the store.
Result<StageImage> LoadStageImage(const Store& store, const ImageRecord& record);
// No layer at all (FROM scratch). As with BuildKit, its working directory is the root, and it has a
// PATH.
Result<StageImage> EmptyStageImage(const Platform& platform);

// What a step made.
struct StepChange {
  Json runtime;                     // the "config" object as it is now
  NewLayer layer;                   // and its history
  std::optional<StepResult> files;  // nullopt: the step changed the config alone
};
Result<StageImage> WithStep(const StageImage& before, const StepChange& change);

// Adds PATH to the variables of a base that has none, as all builders do. The next step makes an
// image of it.
void AddPath(StageImage* image);

// The image with labels that the caller gives, of which history tells nothing.
Result<StageImage> WithLabels(const StageImage& image,
                              const std::map<std::string, std::string>& labels);

// The instructions that the image has for the stage at `line` that is built upon it (ONBUILD).
Result<std::vector<Instruction>> TriggersOf(const StageImage& base, int line);

// The layers that say something, bottom first. A step that changes no file leaves an archive without
// entries, and a tree upon it would be the one below.
std::vector<Digest> LayersWithFiles(const StageImage& image);

// The "config" object; null: there is none.
const Json& RuntimeOf(const StageImage& image);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_STAGE_IMAGE_H_
