// SPDX-License-Identifier: Apache-2.0
//
// Taking back what an import wrote that failed, so that the store is as it was before and does not
// wait for a prune.
#ifndef VENEER_LAYERDB_STORE_DISCARD_H_
#define VENEER_LAYERDB_STORE_DISCARD_H_

#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/index/records.h"

namespace veneer {

class Store;

// Removes those of `objects` that no layer of the store needs, and the directories that this makes
// empty. A layer that cannot be read might need any: then nothing is removed, and this is the
// error. REQUIRES: the store's lock, exclusively: whoever found one of the objects and has not
// published his layer yet holds it shared.
Result<void> DiscardObjects(const Store& store, std::vector<ObjectRef> objects);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_DISCARD_H_
