// SPDX-License-Identifier: Apache-2.0
//
// What can be done about the damage that Fsck() found without losing anything: what can be made
// again is removed, and layers that cannot are marked, so that the next load or import of them
// reads them whole and puts what is damaged right (StoreWriter::PublishLayer).
#ifndef VENEER_LAYERDB_STORE_REPAIR_H_
#define VENEER_LAYERDB_STORE_REPAIR_H_

#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/fsck.h"

namespace veneer {

class Store;
class StoreLayout;

// Marks a layer, so that whoever publishes it again replaces all of it. No layer being there is no
// error.
Result<void> MarkDamaged(const StoreLayout& layout, const Digest& diff_id);

struct RepairOutcome {
  bool whole = false;  // nothing is left to be done
  std::string what;    // one line: what was done, or what a person can do
};

// One outcome for each problem of `report`, in its order. Takes the mark from layers that are sound
// again, and removes stale trees. An Error: the store could not be written to.
Result<std::vector<RepairOutcome>> Repair(Store& store, const FsckReport& report);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_REPAIR_H_
