// SPDX-License-Identifier: Apache-2.0
//
// New containers, with a name that is made up where the person gives none.
#ifndef VENEER_TOOLS_RUN_NEW_CONTAINER_H_
#define VENEER_TOOLS_RUN_NEW_CONTAINER_H_

#include "layerdb/catalog/containers.h"
#include "layerdb/store/store.h"

namespace veneer {

// Containers::Create() and Containers::CreateOwned() for a spec whose name may be empty.
Result<ContainerRecord> NewContainer(Store& store, ContainerSpec spec);
Result<OwnedContainer> NewOwnedContainer(Store& store, ContainerSpec spec);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_NEW_CONTAINER_H_
