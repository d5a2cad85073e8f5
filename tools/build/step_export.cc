// SPDX-License-Identifier: Apache-2.0
#include "tools/build/step_export.h"

#include <map>
#include <optional>
#include <utility>

#include "tools/oci/cache_documents.h"

namespace veneer {

namespace {

struct StepOfLayer {
  size_t layer = 0;
  KeyedStepResult step;
};

// Two layers of an image may be the same, but never with the same ones below them.
std::vector<StepOfLayer> StepsByLayer(const UsedSteps& used, const StageImage& image) {
  const std::map<Digest, UsedSteps::Step> steps = used.List();
  std::multimap<Digest, const std::pair<const Digest, UsedSteps::Step>*> by_chain;
  for (const auto& step : steps) by_chain.emplace(step.second.chain_id, &step);
  std::vector<StepOfLayer> found;
  std::optional<Digest> chain_id;
  for (size_t i = 0; i < image.config.diff_ids.size(); ++i) {
    chain_id = ChainId(chain_id, image.config.diff_ids[i]);
    const auto [begin, end] = by_chain.equal_range(*chain_id);
    for (auto at = begin; at != end; ++at) {
      found.push_back({i, {at->second->first, at->second->second.result}});
    }
  }
  return found;
}

}  // namespace

std::vector<KeyedStepResult> AllSteps(const UsedSteps& used) {
  std::vector<KeyedStepResult> all;
  for (const auto& [key, step] : used.List()) all.push_back({key, step.result});
  return all;
}

std::vector<KeyedStepResult> StepsOfImage(const UsedSteps& used, const StageImage& image) {
  std::vector<KeyedStepResult> steps;
  for (StepOfLayer& each : StepsByLayer(used, image)) steps.push_back(std::move(each.step));
  return steps;
}

Result<StageImage> WithInlineSteps(const StageImage& image, const UsedSteps& used) {
  std::vector<InlineStep> steps;
  for (const StepOfLayer& each : StepsByLayer(used, image)) {
    steps.push_back({each.step.key, each.step.result.created, each.layer});
  }
  VENEER_TRY(StageImage cached, StageImageOf(WithInlineCache(image.config, steps)));
  cached.parent = image.parent;
  cached.size = image.size;
  return cached;
}

}  // namespace veneer
