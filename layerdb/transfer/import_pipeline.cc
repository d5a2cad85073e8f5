// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/import_pipeline.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "layerdb/tar/block.h"
#include "layerdb/threads/bounded_queue.h"
#include "layerdb/threads/buffer_pool.h"
#include "layerdb/threads/shared_bytes.h"
#include "layerdb/threads/worker.h"
#include "layerdb/transfer/archive_hasher.h"
#include "layerdb/transfer/content_writers.h"
#include "layerdb/transfer/layer_tar_reader.h"

namespace veneer {

namespace {

constexpr size_t kChunk = size_t{256} << 10;
// Chunks on their way to the hasher, and to the parser.
constexpr size_t kInFlight = 12;

using ChunkQueue = BoundedQueue<SharedBytes>;

// Why a producer was stopped is said by whoever stopped it.
constexpr int kStopped = ECANCELED;

// Collects what the producer gives into chunks.
class Collector {
 public:
  Collector(ArchiveHasher& hasher, ChunkQueue& to_parse) : hasher_(hasher), to_parse_(to_parse) {}

  Result<void> Append(std::string_view bytes) {
    while (!bytes.empty()) {
      if (chunk_ == nullptr) chunk_ = buffers_.Get();
      const size_t size = std::min(kChunk - size_, bytes.size());
      std::memcpy(chunk_.get() + size_, bytes.data(), size);
      size_ += size;
      bytes.remove_prefix(size);
      if (size_ == kChunk) VENEER_TRY_VOID(Flush());
    }
    return {};
  }

  Result<void> Flush() {
    if (chunk_ == nullptr) return {};
    const std::shared_ptr<char> full = std::exchange(chunk_, nullptr);
    const SharedBytes bytes{full, {full.get(), std::exchange(size_, 0)}};
    if (hasher_.Update(bytes) && to_parse_.Push(bytes)) return {};
    return MakeError(Errno{kStopped}, "stopped");
  }

 private:
  ArchiveHasher& hasher_;
  ChunkQueue& to_parse_;
  BufferPool buffers_{kChunk};
  std::shared_ptr<char> chunk_;
  size_t size_ = 0;  // of what is in it
};

// Closes (or abandons) a queue whatever way its user ends.
struct CloseOnExit {
  ChunkQueue& queue;
  ~CloseOnExit() { queue.Close(); }
};
struct AbandonOnExit {
  ChunkQueue& queue;
  ~AbandonOnExit() { queue.Abandon(); }
};

Result<uint64_t> Parse(LayerTarReader& reader, ChunkQueue& chunks) {
  while (const std::optional<SharedBytes> chunk = chunks.Pop()) {
    VENEER_TRY_VOID(reader.Read(*chunk));
  }
  return reader.archive_bytes();
}

Result<ParsedArchive> Run(StoreWriter& store_writer, LayerAssembler& layer, bool may_be_nothing,
                          const std::function<Result<void>(TarSink sink)>& produce) {
  ChunkQueue to_parse(kInFlight);
  ContentWriters writers(store_writer, layer, std::max(2U, std::thread::hardware_concurrency()));
  LayerTarReader reader(store_writer, layer, writers);

  ArchiveHasher hasher(kInFlight);
  Worker producer([&]() -> Result<void> {
    const CloseOnExit parse_end{to_parse};
    Collector collector(hasher, to_parse);
    VENEER_TRY_VOID(produce([&](std::string_view bytes) { return collector.Append(bytes); }));
    return collector.Flush();
  });

  Result<uint64_t> parsed = [&] {
    // A parser that gives up lets the producer go on no further.
    const AbandonOnExit guard{to_parse};
    return Parse(reader, to_parse);
  }();
  Result<void> produced = producer.Join();
  const Result<Digest> diff_id = hasher.Finish();
  // What the producer could not read is the cause of what the parser then missed.
  if (!produced && produced.error().code() != kStopped) {
    return tl::unexpected(std::move(produced).error());
  }
  if (!diff_id) return tl::unexpected(diff_id.error());
  if (!parsed) return tl::unexpected(std::move(parsed).error());
  if (!produced) return tl::unexpected(std::move(produced).error());
  VENEER_TRY_VOID(reader.Finish(may_be_nothing));
  VENEER_TRY_VOID(writers.Finish());
  const LayerArchive archive{*diff_id, *parsed, false};
  return ParsedArchive{archive, reader.peculiarity()};
}

}  // namespace

Result<ParsedArchive> RunImport(StoreWriter& store_writer, LayerAssembler& layer,
                                bool may_be_nothing,
                                const std::function<Result<void>(TarSink sink)>& produce) {
  try {
    return Run(store_writer, layer, may_be_nothing, produce);
  } catch (const std::system_error& e) {
    return MakeError(Errno{e.code().value()}, "start a thread");
  }
}

}  // namespace veneer
