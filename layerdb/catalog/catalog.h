// SPDX-License-Identifier: Apache-2.0
//
// Opening the catalog of a store, and telling one that is new from one that is lost. A catalog that
// is taken for new by mistake would make garbage of everything in the store, containers included,
// so a store says in its catalog that this was made, before anything else can be put into the
// store: a catalog that does not say so, beside anything that is kept, is not the one that belongs
// to it.
#ifndef VENEER_LAYERDB_CATALOG_CATALOG_H_
#define VENEER_LAYERDB_CATALOG_CATALOG_H_

#include <memory>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/index/kv.h"

namespace veneer {

// Opens the catalog; makes it where nothing is kept in the store yet. A catalog that is damaged, or
// missing or empty where something is kept, is an error of code EUCLEAN, and nothing is changed.
// Several processes may do this at once. REQUIRES: the directories of the layout.
Result<std::unique_ptr<KvDatabase>> OpenCatalog(const StoreLayout& layout);

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_CATALOG_H_
