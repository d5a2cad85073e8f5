// SPDX-License-Identifier: Apache-2.0
//
// ImageDiffSource: what makes one image another, as the entries of a layer that does it.
#ifndef VENEER_LAYERDB_TRANSFER_IMAGE_DIFF_SOURCE_H_
#define VENEER_LAYERDB_TRANSFER_IMAGE_DIFF_SOURCE_H_

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/model/layer_rules.h"
#include "layerdb/store/store.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/entry_source.h"

namespace veneer {

class ImageDiffSource final : public EntrySource {
 public:
  // The difference between the trees of these layers (bottom first). `store` and `cancel` outlive
  // it; `cancel` may be null. Errors: those of DiffImages().
  static Result<std::unique_ptr<ImageDiffSource>> Open(Store& store, std::span<const Digest> below,
                                                       std::span<const Digest> above,
                                                       const Cancellation* cancel);
  // Gives what is added or changed, each directory above it, and whiteouts of what is gone; nothing
  // where the trees are equal. As with a commit, a directory that was replaced by one of the same
  // name is not opaque: what it lacks is deleted name by name.
  Result<void> Run(EntrySink& sink) override;

 private:
  ImageDiffSource(std::shared_ptr<const IndexedLayer> tree, const ObjectStore& objects,
                  std::vector<SizedDiffEntry> changes, const Cancellation* cancel);
  // `path` without a slash in front.
  Result<void> Give(std::string_view path, bool replaces, EntrySink& sink);

  const std::shared_ptr<const IndexedLayer> tree_;  // above
  StoredContents contents_;
  const std::vector<SizedDiffEntry> changes_;
  const Cancellation* const cancel_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_IMAGE_DIFF_SOURCE_H_
