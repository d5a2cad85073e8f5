// SPDX-License-Identifier: Apache-2.0
//
// LayerDownload: the bytes of a layer as they travel, read as a stream while they come. They are
// kept beside the store until the layer is there (partial_blob.h), so that whoever is interrupted
// goes on where that was, in another process too.
#ifndef VENEER_TOOLS_REGISTRY_LAYER_DOWNLOAD_H_
#define VENEER_TOOLS_REGISTRY_LAYER_DOWNLOAD_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/partial_blob.h"
#include "layerdb/threads/worker.h"
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
  ~LayerDownload();  // ends it
  LayerDownload(const LayerDownload&) = delete;
  LayerDownload& operator=(const LayerDownload&) = delete;

  // What comes. Its end says nothing of whether that is all, and the right bytes: Finish() does.
  int fd() const { return out_.get(); }
  // Waits for the end; nothing can be read any more. Failure: not everything came, and why; or it
  // has another digest, and then nothing of it is kept. nullopt: the reader left before the end.
  Result<std::optional<BlobDigest>> Finish();

 private:
  LayerDownload(RegistryClient& client, const Descriptor& blob, PartialBlob& partial,
                Progress progress, Fd out, Fd in);
  Result<void> Run();
  Result<void> Fetch();
  // Gives bytes to the reader, and to the digest.
  Result<void> Pass(std::string_view bytes);

  RegistryClient& client_;
  const Descriptor& blob_;
  PartialBlob& partial_;
  const Progress progress_;
  Fd out_;
  Fd in_;
  BlobHash hash_;
  std::atomic<bool> reader_left_ = false;
  std::optional<BlobDigest> digest_;  // set when the thread has ended
  std::unique_ptr<Worker> thread_;    // last: it uses the others
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_LAYER_DOWNLOAD_H_
