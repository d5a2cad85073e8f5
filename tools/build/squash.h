// SPDX-License-Identifier: Apache-2.0
//
// `build --squash`, as Docker's classic builder has it: the layers that a build has made become
// one.
#ifndef VENEER_TOOLS_BUILD_SQUASH_H_
#define VENEER_TOOLS_BUILD_SQUASH_H_

#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/stage_image.h"

namespace veneer {

// `image`, which was built upon `base`, with one layer upon those of the base: the difference of
// the two trees. It is published in `writer`, and the image is not in the catalog. Its config is
// that of `image`; history keeps the steps, and says at its end at `now` what was merged. An image
// without a layer of its own stays as it is. A base without layers and history is none (FROM
// scratch). Errors: those of CommitEntries() and of DiffImages(). ECANCELED.
Result<StageImage> SquashImage(Store& store, StoreWriter& writer, const StageImage& base,
                               const StageImage& image, Timestamp now, const Cancellation* cancel);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_SQUASH_H_
