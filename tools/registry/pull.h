// SPDX-License-Identifier: Apache-2.0
//
// Pull: an image comes from a registry into the store. Documents first; then the layers that are
// not here, several at once, each decompressed, parsed and stored while it comes. A layer shows as
// soon as it is whole and has its digests; the image shows, in one commit, when all of it is there.
#ifndef VENEER_TOOLS_REGISTRY_PULL_H_
#define VENEER_TOOLS_REGISTRY_PULL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/model/reference.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "tools/oci/platform.h"
#include "tools/registry/layer_event.h"
#include "tools/registry/pull_plan.h"
#include "tools/registry/registry_client.h"

namespace veneer {

struct PullOptions {
  std::optional<Platform> platform;  // asked for; nullopt: this machine's, where there is a choice
  const Cancellation* cancel = nullptr;
  // Keeps the layers as they travelled, for a push.
  bool keep_compressed = false;
  // So many layers at once, as Docker.
  unsigned at_once = 3;
  // Called from one thread at a time; may be empty. `begin`: there is such an image, and what is
  // missing of it is fetched now.
  std::function<void(const Reference&)> begin;
  std::function<void(const LayerEvent&)> event;
};

struct PulledImage {
  Digest id;
  Digest digest;          // of what the reference names at the registry
  bool was_here = false;  // under this very name
};

// Pulls what `client`'s repository has under `reference`, by its digest or its tag, and gives it
// that name: as the registry `client` stands in for calls it, whoever it was fetched from.
// Errors: as PlanPull() has them; a layer that is damaged, or has other digests than the documents
// say; ECANCELED. What was fetched of unfinished layers is kept for the next pull, until a prune.
Result<PulledImage> PullImage(Store& store, RegistryClient& client, const Reference& reference,
                              const PullOptions& options);

// Brings layers into the store, for what is no image (step_cache.h). The bytes of all their files.
// They are in `writer` and stay when an image has them.
Result<uint64_t> PullLayers(Store& store, StoreWriter& writer, RegistryClient& client,
                            const std::vector<RemoteLayer>& layers, const PullOptions& options);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_PULL_H_
