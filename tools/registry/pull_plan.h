// SPDX-License-Identifier: Apache-2.0
//
// What a reference stands for at a registry, found out and checked before a layer is fetched.
#ifndef VENEER_TOOLS_REGISTRY_PULL_PLAN_H_
#define VENEER_TOOLS_REGISTRY_PULL_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "tools/oci/config.h"
#include "tools/oci/platform.h"
#include "tools/oci/types.h"
#include "tools/registry/registry_client.h"

namespace veneer {

struct RemoteLayer {
  Descriptor blob;  // as it travels
  Digest diff_id;
};

struct RemoteImage {
  Digest digest;                       // of what the reference names: a manifest, or an index
  std::vector<std::string> documents;  // the manifest, and the indexes that led to it
  std::string config;                  // its bytes, whose SHA-256 is the image's id
  Digest id;
  ImageConfig parsed;
  std::vector<RemoteLayer> layers;  // bottom first
};

// Finds the image that `reference` (a tag, or "sha256:…") names, for `platform`, or for this
// machine where nobody asks. Errors name the document: kNotFound where there is none, or none for
// the platform; an artifact that is no image; Docker's schema 1; a layer that lies elsewhere
// ("foreign").
// A config that is in the store is not fetched.
Result<RemoteImage> PlanPull(const Store& store, RegistryClient& client,
                             const std::string& reference, const std::optional<Platform>& platform);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_PULL_PLAN_H_
