// SPDX-License-Identifier: Apache-2.0
//
// `build --check-reproducible`: what two builds of the same have made of their layers.
#ifndef VENEER_TOOLS_BUILD_REPRODUCIBLE_H_
#define VENEER_TOOLS_BUILD_REPRODUCIBLE_H_

#include <set>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "tools/build/stage_image.h"

namespace veneer {

struct BuildComparison {
  bool same = false;
  std::vector<std::string> lines;  // for people; the last one sums up
};

// Compares the layers of two images, one upon the other, path by path. `dated`: the builds had
// SOURCE_DATE_EPOCH, so that their ids must be the same too. Errors: those of DiffLayers().
Result<BuildComparison> CompareBuilds(const Store& store, const StageImage& first,
                                      const StageImage& second, bool dated);

// The ids of all images of the store.
Result<std::set<Digest>> AllImages(Store& store);

// Removes `made`, the results of a build's stages, with the steps that led to them, as far as they
// are not in `kept`. What is in use stays. REQUIRES: this process has no StoreWriter, or the layers
// stay for prune.
void RemoveBuilt(Store& store, const std::vector<StageImage>& made, const std::set<Digest>& kept);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_REPRODUCIBLE_H_
