// SPDX-License-Identifier: Apache-2.0
#include "tools/build/squash.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "layerdb/transfer/commit.h"
#include "layerdb/transfer/image_diff_source.h"

namespace veneer {

Result<StageImage> SquashImage(Store& store, StoreWriter& writer, const StageImage& base,
                               const StageImage& image, Timestamp now, const Cancellation* cancel) {
  if (image.config.diff_ids.size() == base.config.diff_ids.size()) return image;
  VENEER_TRY(const std::unique_ptr<ImageDiffSource> source,
             ImageDiffSource::Open(store, base.config.diff_ids, image.config.diff_ids, cancel));
  CommitOptions options;
  options.cancel = cancel;
  VENEER_TRY(const CommittedLayer layer, CommitEntries(store, writer, *source, options));
  const bool based = !base.config.diff_ids.empty() || !base.config.history.empty();
  const std::string comment = based ? "merge " + image.id.ToString() + " to " + base.id.ToString()
                                    : "create new from " + image.id.ToString();
  const NewLayer merged{layer.diff_id, now, {}, {}, comment};
  VENEER_TRY(StageImage squashed, StageImageOf(ComposeSquashed(base.config, image.config, merged)));
  if (based) squashed.parent = base.id;
  squashed.size = base.size + layer.content_bytes;
  return squashed;
}

}  // namespace veneer
