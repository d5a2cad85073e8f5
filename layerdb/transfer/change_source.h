// SPDX-License-Identifier: Apache-2.0
//
// ChangeSource: a writable layer and the merged tree below it, as entries: what changed (for a
// commit), or all that the union shows (for an export). Redirects and metadata-only copies are
// expanded through the merged view.
#ifndef VENEER_LAYERDB_TRANSFER_CHANGE_SOURCE_H_
#define VENEER_LAYERDB_TRANSFER_CHANGE_SOURCE_H_

#include <cstdint>
#include <optional>

#include "layerdb/base/result.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/entry_source.h"

namespace veneer {

struct ChangeSourceOptions {
  // All that the union shows, and not the changes alone. Then the writable layer may be in use:
  // what is removed meanwhile is left out.
  bool merged = false;
  bool move = false;             // SourceContent::move of the writable layer's files
  std::optional<int64_t> epoch;  // later times of changes are clamped to it (SOURCE_DATE_EPOCH)
  const Cancellation* cancel = nullptr;
};

class ChangeSource final : public EntrySource {
 public:
  // Both outlive it. `objects` has the contents of the tree below.
  ChangeSource(ChangeWalk& walk, const ObjectStore& objects, const ChangeSourceOptions& options);
  Result<void> Run(EntrySink& sink) override;

 private:
  Result<void> AddChange(const Change& change, EntrySink& sink);
  Result<std::optional<SourceContent>> Open(const Change& change, const SourceEntry& entry);
  bool IsStored(const Layer* layer) const { return layer == walk_.lower(); }
  // True for what was removed from the writable layer since its directory was read.
  bool IsGone(const Layer* layer, Errno e) const;

  ChangeWalk& walk_;
  const ChangeSourceOptions options_;
  std::optional<StoredContents> stored_;  // where there is a tree below
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CHANGE_SOURCE_H_
