// SPDX-License-Identifier: Apache-2.0
//
// LayerBytes: the bytes of a layer of the store in the forms in which it travels, each the same
// every time. Not thread-safe.
#ifndef VENEER_TOOLS_REGISTRY_LAYER_BYTES_H_
#define VENEER_TOOLS_REGISTRY_LAYER_BYTES_H_

#include <cstdint>
#include <functional>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/compressor.h"
#include "layerdb/threads/cancellation.h"
#include "tools/registry/chunk_stream.h"

namespace veneer {

class LayerBytes {
 public:
  using Progress = std::function<void(uint64_t done)>;

  // `progress`: is told the bytes that were read of the store. All outlive it; `cancel` may be
  // null. ECANCELED is an error of all methods.
  LayerBytes(const Store& store, Digest diff_id, const Cancellation* cancel, Progress progress)
      : store_(store),
        diff_id_(std::move(diff_id)),
        cancel_(cancel),
        progress_(std::move(progress)) {}

  // The archive as it is, checked as by WriteCheckedLayerTar().
  Result<void> WriteArchive(const BlobSink& sink) const;
  // The same compressed.
  Result<void> WriteCompressed(const Compression& compression, const BlobSink& sink) const;
  // A blob of the store that is the layer. It is damaged where it has another digest; by then the
  // sink has been given all bytes.
  Result<void> WriteBlob(const Digest& blob, const BlobSink& sink) const;

 private:
  const Store& store_;
  const Digest diff_id_;
  const Cancellation* const cancel_;
  const Progress progress_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_LAYER_BYTES_H_
