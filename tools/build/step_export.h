// SPDX-License-Identifier: Apache-2.0
//
// What a build gives to the builds of other machines: its steps, for a cache at a registry, or in
// the config of the image that it has made. Values only.
#ifndef VENEER_TOOLS_BUILD_STEP_EXPORT_H_
#define VENEER_TOOLS_BUILD_STEP_EXPORT_H_

#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/catalog/step_results.h"
#include "tools/build/stage_image.h"
#include "tools/build/used_steps.h"

namespace veneer {

// All steps (mode=max), by key.
std::vector<KeyedStepResult> AllSteps(const UsedSteps& used);
// Those whose layers the image has (mode=min), bottom first.
std::vector<KeyedStepResult> StepsOfImage(const UsedSteps& used, const StageImage& image);
// The image with its steps in its config (type=inline).
Result<StageImage> WithInlineSteps(const StageImage& image, const UsedSteps& used);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_STEP_EXPORT_H_
