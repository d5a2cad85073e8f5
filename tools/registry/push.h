// SPDX-License-Identifier: Apache-2.0
//
// Push: an image goes from the store to a registry. Of the layers those that the registry lacks are
// sent, several at once, each compressed, hashed and sent at the same time. The manifest comes
// last, so that nobody sees half an image. The store is read, and learns what was pushed.
#ifndef VENEER_TOOLS_REGISTRY_PUSH_H_
#define VENEER_TOOLS_REGISTRY_PUSH_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/model/reference.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/compressor.h"
#include "layerdb/threads/cancellation.h"
#include "tools/oci/types.h"
#include "tools/registry/layer_event.h"
#include "tools/registry/push_plan.h"
#include "tools/registry/registry_client.h"

namespace veneer {

struct PushOptions {
  // What all layers must have; nullopt: those that came from a registry go as they came where that
  // is possible, and the others with gzip.
  std::optional<Compression> compression;
  const Cancellation* cancel = nullptr;
  // So many layers at once, as Docker.
  unsigned at_once = 5;
  // Called from one thread at a time; may be empty.
  std::function<void(const LayerEvent&)> event;
};

struct PushedImage {
  Digest digest;      // of the manifest
  uint64_t size = 0;  // of the manifest
};

// Pushes the image that the store has under `reference`, which has a tag, to `client`'s repository
// under that tag. A layer goes as a blob that the registry has already, in this repository or in
// another one that gives it; else as the bytes that it came as, where they are kept; else
// compressed anew, which gives the same bytes every time. While it runs nothing in the store is
// taken for garbage. Errors: kNotFound; as PlanPush() has them; a layer that is damaged;
// kAccessDenied; what the registry says; ECANCELED.
Result<PushedImage> PushImage(Store& store, RegistryClient& client, const Reference& reference,
                              const PushOptions& options);

// The two parts of it, for what is no image (step_cache.h). Gives the registry the layers of
// `image`; their blobs there, in the order of its diff ids. REQUIRES: a StoreWriter lives.
Result<std::vector<Descriptor>> PushLayers(Store& store, RegistryClient& client,
                                           const Reference& reference, const ImageToPush& image,
                                           const PushOptions& options);
// Gives the registry a document, unless it has it.
Result<void> PushDocument(RegistryClient& client, const std::string& text);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_PUSH_H_
