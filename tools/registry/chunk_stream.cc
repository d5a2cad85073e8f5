// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/chunk_stream.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "layerdb/base/hash.h"

namespace veneer {

namespace {

Error ReaderLeft() { return Error("the reader has left", ExitCode::kFailed, EPIPE); }

}  // namespace

ChunkStream::ChunkStream(const WriteBlob& write, size_t chunk_size)
    : thread_(std::make_unique<Worker>([this, &write, chunk_size] {
        Result<void> run = Run(write, chunk_size);
        chunks_.Close();
        return run;
      })) {}

ChunkStream::~ChunkStream() { chunks_.Abandon(); }

Result<void> ChunkStream::Run(const WriteBlob& write, size_t chunk_size) {
  Sha256Stream hash;
  uint64_t size = 0;
  std::string chunk;
  const auto take = [&](std::string_view bytes) -> Result<void> {
    hash.Update(bytes);
    size += bytes.size();
    while (!bytes.empty()) {
      if (chunk.empty()) chunk.reserve(chunk_size);
      const size_t some = std::min(chunk_size - chunk.size(), bytes.size());
      chunk.append(bytes.substr(0, some));
      bytes.remove_prefix(some);
      if (chunk.size() < chunk_size) continue;
      if (!chunks_.Push(std::exchange(chunk, {}))) return tl::unexpected(ReaderLeft());
    }
    return {};
  };
  VENEER_TRY_VOID(write(take));
  if (!chunk.empty() && !chunks_.Push(std::move(chunk))) return tl::unexpected(ReaderLeft());
  blob_ = StreamedBlob{*Digest::FromHex(hash.FinishHex()), size};
  return {};
}

Result<StreamedBlob> ChunkStream::Finish() {
  VENEER_TRY_VOID(thread_->Join());
  return *blob_;
}

}  // namespace veneer
