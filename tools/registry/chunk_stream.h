// SPDX-License-Identifier: Apache-2.0
//
// ChunkStream: the bytes of a blob in chunks, made and hashed in a thread of its own while those
// before are on their way. Not thread-safe.
#ifndef VENEER_TOOLS_REGISTRY_CHUNK_STREAM_H_
#define VENEER_TOOLS_REGISTRY_CHUNK_STREAM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/bounded_queue.h"
#include "layerdb/threads/worker.h"

namespace veneer {

using BlobSink = std::function<Result<void>(std::string_view bytes)>;
// Gives all bytes of a blob to the sink, in order.
using WriteBlob = std::function<Result<void>(const BlobSink& sink)>;

struct StreamedBlob {
  Digest digest;
  uint64_t size = 0;
};

class ChunkStream {
 public:
  // Begins. `write` outlives it. Throws std::system_error when there is no thread to be had.
  ChunkStream(const WriteBlob& write, size_t chunk_size);
  ~ChunkStream();  // ends it
  ChunkStream(const ChunkStream&) = delete;
  ChunkStream& operator=(const ChunkStream&) = delete;

  // The next chunk; all but the last have the full size. nullopt: that was all, or `write` failed.
  std::optional<std::string> Next() { return chunks_.Pop(); }
  // What went through. Failure: that of `write`. Call once, after the last chunk.
  Result<StreamedBlob> Finish();

 private:
  Result<void> Run(const WriteBlob& write, size_t chunk_size);

  BoundedQueue<std::string> chunks_{1};
  std::optional<StreamedBlob> blob_;  // set when the thread has ended
  std::unique_ptr<Worker> thread_;    // last: it uses the others
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_CHUNK_STREAM_H_
