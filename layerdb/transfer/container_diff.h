// SPDX-License-Identifier: Apache-2.0
//
// What a container's writable layer changed against its image, as `docker diff` lists it, in time
// that depends on the change.
#ifndef VENEER_LAYERDB_TRANSFER_CONTAINER_DIFF_H_
#define VENEER_LAYERDB_TRANSFER_CONTAINER_DIFF_H_

#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/model/layer_rules.h"
#include "layerdb/store/store.h"
#include "layerdb/transfer/change_walk.h"

namespace veneer {

// Every path that was added, changed or deleted, sorted (parents before what is in them). A
// directory something changed in is "changed" too; what is in a deleted directory is not listed,
// what is in an added one is. A renamed directory of the image is a deletion there and additions
// here. The root is listed when it is itself another: in mode, owner or xattrs, or in its time
// where no name that came or went in it accounts for that.
Result<std::vector<DiffEntry>> DiffContainer(Store& store, const ContainerRecord& container);

// The same with sizes and with what of a path is another, in time that depends on what was deleted,
// too.
Result<std::vector<SizedDiffEntry>> DiffContainerWithSizes(Store& store,
                                                           const ContainerRecord& container);

// The same for any writable layer over any merged tree; see CommitUpper().
Result<std::vector<DiffEntry>> DiffUpper(const std::string& upper, const std::string& work,
                                         const std::string& tree, const std::string& objects,
                                         const UpperRecords& records = {});

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CONTAINER_DIFF_H_
