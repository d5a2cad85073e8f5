// SPDX-License-Identifier: Apache-2.0
//
// LayerDownload: the bytes of a layer as they travel, read as a stream while they come. They are
// kept beside the store until the layer is there (partial_blob.h), so that whoever is interrupted
// goes on where that was, in another process too.
#ifndef VENEER_TOOLS_REGISTRY_LAYER_DOWNLOAD_H_
#define VENEER_TOOLS_REGISTRY_LAYER_DOWNLOAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "layerdb/base/result.h"
#include "layerdb/catalog/partial_blob.h"
#include "layerdb/threads/pipe_feeder.h"
#include "tools/oci/types.h"
#include "tools/registry/registry_client.h"

namespace veneer {

// Not thread-safe.
class LayerDownload {
 public:
  using Progress = std::function<void(uint64_t done)>;

  // Begins, in a thread of its own. All must outlive it. `progress` is called from that thread.
  // Throws std::system_error when there is no thread to be had.
  static Result<std::unique_ptr<LayerDownload>> Start(RegistryClient& client,
                                                      const Descriptor& blob, PartialBlob& partial,
                                                      Progress progress);

  // What comes. Its end says nothing of whether that is all, and the right bytes: Finish() does.
  int fd() const { return feeder_->fd(); }
  // Waits for the end; nothing can be read any more. The digest of what came, whichever it is.
  // Failure: not everything came, and why. nullopt: the reader left before the end. Call once.
  Result<std::optional<BlobDigest>> Finish();

 private:
  LayerDownload(RegistryClient& client, const Descriptor& blob, PartialBlob& partial,
                Progress progress);
  Result<void> Fetch(const PipeFeeder::Give& give);

  RegistryClient& client_;
  const Descriptor& blob_;
  PartialBlob& partial_;
  const Progress progress_;
  BlobHash hash_;
  std::unique_ptr<PipeFeeder> feeder_;  // last: its thread uses the others
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_LAYER_DOWNLOAD_H_
