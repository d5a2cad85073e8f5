// SPDX-License-Identifier: Apache-2.0
//
// The documents of Docker's own archives: manifest.json (since Docker 1.10), and what there was
// before it, `repositories` and one `json` per layer (image spec v1.0), with the config that
// Docker's migration makes of those. Errors name the field. Pure functions.
#ifndef VENEER_TOOLS_OCI_DOCKER_DOCUMENTS_H_
#define VENEER_TOOLS_OCI_DOCKER_DOCUMENTS_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "tools/format/json.h"
#include "tools/oci/types.h"

namespace veneer {

// manifest.json; its paths and names are not checked.
Result<std::vector<DockerImage>> ParseDockerManifest(std::string_view text);

// A name in `repositories`, and the layer that it stands for.
struct LegacyTag {
  std::string name;  // "busybox:latest", not checked
  std::string id;    // 64 hex digits
};
Result<std::vector<LegacyTag>> ParseRepositories(std::string_view text);

// `json` of one layer.
struct LegacyLayer {
  std::string parent;  // 64 hex digits, or empty: the bottom
  Json document;
};
using LegacyLayerPtr = std::shared_ptr<const LegacyLayer>;
// `id`: the folder it is in, which it must name.
Result<LegacyLayer> ParseLegacyLayer(std::string_view text, std::string_view id);

// The config of the image whose layers these are, bottom first: the top one's document without what
// spoke of the layer, with `rootfs` and one `history` item for each layer; keys in byte order and
// characters escaped as Docker writes them, because the bytes are the image's id. REQUIRES: as many
// diff ids as layers, at least one.
Result<std::string> ComposeFromLegacy(std::span<const LegacyLayerPtr> layers,
                                      std::span<const Digest> diff_ids);

}  // namespace veneer

#endif  // VENEER_TOOLS_OCI_DOCKER_DOCUMENTS_H_
