// SPDX-License-Identifier: Apache-2.0
//
// What `veneer inspect` shows: documents with Docker's members, and where things lie on disk.
#ifndef VENEER_TOOLS_CLI_INSPECT_DOCUMENTS_H_
#define VENEER_TOOLS_CLI_INSPECT_DOCUMENTS_H_

#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"
#include "tools/format/json.h"

namespace veneer {

// Fails, naming it, when the image's config cannot be read.
Result<Json> InspectImage(Store& store, const ImageRecord& image);
Result<Json> InspectContainer(Store& store, const ContainerRecord& container);
// REQUIRES: the layer is in the store. Fails when its index is damaged.
Result<Json> InspectLayer(Store& store, const Digest& diff_id);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_INSPECT_DOCUMENTS_H_
