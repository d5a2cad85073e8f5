// SPDX-License-Identifier: Apache-2.0
//
// StepResults: the layers that the steps of builds made, by keys that name all that a step depends
// on. A build finds there what it need not do again. All of it may be lost: it is made anew.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_CATALOG_STEP_RESULTS_H_
#define VENEER_LAYERDB_CATALOG_STEP_RESULTS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"

namespace veneer {

class KvDatabase;
class StoreLayout;

struct StepResult {
  Digest diff_id;
  uint64_t content_bytes = 0;  // of the layer's files
  Timestamp created;           // when the step ended
};

struct KeyedStepResult {
  Digest key;
  StepResult result;
};

class StepResults {
 public:
  // Both outlive it.
  StepResults(const StoreLayout& layout, KvDatabase& catalog)
      : layout_(layout), catalog_(catalog) {}

  // nullopt: there is none, its layer is gone, or its record is damaged. Images::PutAll() records
  // them. REQUIRES: a StoreWriter lives, until an image has the layer.
  Result<std::optional<StepResult>> Find(const Digest& key) const;
  Result<std::vector<KeyedStepResult>> List() const;
  // Forgets all of them; their layers are the images'.
  Result<void> Clear();

 private:
  const StoreLayout& layout_;
  KvDatabase& catalog_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_STEP_RESULTS_H_
