// SPDX-License-Identifier: Apache-2.0
//
// The documents of an image that is in the store: its config, and the manifest where one was kept.
// They come from strangers and are read within the limits of tools/format/json.h.
#ifndef VENEER_TOOLS_CLI_IMAGE_DOCUMENTS_H_
#define VENEER_TOOLS_CLI_IMAGE_DOCUMENTS_H_

#include <string>
#include <vector>

#include "layerdb/catalog/images.h"
#include "layerdb/store/store.h"
#include "tools/format/json.h"

namespace veneer {

// The config as it is. Fails, naming the image, when it is missing or no JSON.
Result<Json> ConfigOf(const Store& store, const ImageRecord& image);
// The labels in it: an object, empty where there are none.
Result<Json> LabelsOf(const Store& store, const ImageRecord& image);
// What the image is called by digest, "debian@sha256:…": as registries call it; an image that came
// from none, by the manifest that was kept with it, under the repositories of its `tags`.
std::vector<std::string> RepoDigestsOf(const Store& store, const ImageRecord& image,
                                       const std::vector<std::string>& tags);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_IMAGE_DOCUMENTS_H_
