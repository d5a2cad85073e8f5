// SPDX-License-Identifier: Apache-2.0
//
// The documents of an image that is in the store: its config, and the manifest where one was kept.
// They come from strangers and are read within the limits of tools/format/json.h.
#ifndef VENEER_TOOLS_CLI_IMAGE_DOCUMENTS_H_
#define VENEER_TOOLS_CLI_IMAGE_DOCUMENTS_H_

#include <optional>

#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"
#include "tools/format/json.h"

namespace veneer {

// The config as it is. Fails, naming the image, when it is missing or no JSON.
Result<Json> ConfigOf(const Store& store, const ImageRecord& image);
// The labels in it: an object, empty where there are none.
Result<Json> LabelsOf(const Store& store, const ImageRecord& image);
// The digest of the manifest that was kept with the image and names its config; nullopt: none was.
std::optional<Digest> ManifestDigestOf(const Store& store, const ImageRecord& image);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_IMAGE_DOCUMENTS_H_
