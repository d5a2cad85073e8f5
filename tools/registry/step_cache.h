// SPDX-License-Identifier: Apache-2.0
//
// A cache of builds at a registry: which steps it knows, fetching their layers, and giving it the
// steps of a build. What it holds is as trustworthy as whoever may write there: a layer is what the
// cache says a step makes.
#ifndef VENEER_TOOLS_REGISTRY_STEP_CACHE_H_
#define VENEER_TOOLS_REGISTRY_STEP_CACHE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/step_results.h"
#include "layerdb/model/reference.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "tools/oci/platform.h"
#include "tools/registry/pull.h"
#include "tools/registry/pull_plan.h"
#include "tools/registry/push.h"
#include "tools/registry/registry_client.h"

namespace veneer {

struct RemoteStep {
  RemoteLayer layer;
  Timestamp created;
};
using RemoteSteps = std::map<Digest, RemoteStep>;  // by key

// The steps of the cache, or of the image with a cache in it, that the repository has under
// `reference` (a tag, or "sha256:…"). An image without one has none. Errors: kNotFound; a document
// that is damaged; what the registry says.
Result<RemoteSteps> ReadStepCache(const Store& store, RegistryClient& client,
                                  const std::string& reference, const Platform& platform);

// Brings the layer of a step into the store. Errors: as PullImage() has them.
Result<StepResult> FetchStep(Store& store, StoreWriter& writer, RegistryClient& client,
                             const RemoteStep& step, const PullOptions& options);

// Gives the repository a cache of these steps under the tag of `reference`, in place of another
// one. The digest of its manifest. Errors: as PushImage() has them. REQUIRES: a StoreWriter lives.
Result<Digest> PushStepCache(Store& store, RegistryClient& client, const Reference& reference,
                             const std::vector<KeyedStepResult>& steps, const PushOptions& options);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_STEP_CACHE_H_
