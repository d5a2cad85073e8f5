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
#include "layerdb/threads/worker.h"
#include "layerdb/transfer/archive_hasher.h"
#include "layerdb/transfer/content_writers.h"
#include "layerdb/transfer/layer_tar_reader.h"

namespace veneer {

namespace {

constexpr size_t kChunk = size_t{512} << 10;
// Chunks on their way to the hasher, and to the parser.
constexpr size_t kInFlight = 12;

struct Chunk {
  std::unique_ptr<char[]> bytes = std::make_unique_for_overwrite<char[]>(kChunk);
  size_t size = 0;
  std::string_view view() const { return {bytes.get(), size}; }
};
using ChunkPtr = std::shared_ptr<const Chunk>;
using ChunkQueue = BoundedQueue<ChunkPtr>;

// Why a producer was stopped is said by whoever stopped it.
constexpr int kStopped = ECANCELED;

// Collects what the producer gives into chunks.
class Collector {
 public:
  Collector(ArchiveHasher& hasher, ChunkQueue& to_parse) : hasher_(hasher), to_parse_(to_parse) {}

  Result<void> Append(std::string_view bytes) {
    while (!bytes.empty()) {
      if (chunk_ == nullptr) chunk_ = std::make_shared<Chunk>();
      const size_t size = std::min(kChunk - chunk_->size, bytes.size());
      std::memcpy(chunk_->bytes.get() + chunk_->size, bytes.data(), size);
      chunk_->size += size;
      bytes.remove_prefix(size);
      if (chunk_->size == kChunk) VENEER_TRY_VOID(Flush());
    }
    return {};
  }

  Result<void> Flush() {
    const ChunkPtr full = std::exchange(chunk_, nullptr);
    if (full == nullptr) return {};
    if (hasher_.Update(SharedBytes{full, full->view()}) && to_parse_.Push(full)) return {};
    return MakeError(Errno{kStopped}, "stopped");
  }

 private:
  ArchiveHasher& hasher_;
  ChunkQueue& to_parse_;
  std::shared_ptr<Chunk> chunk_;
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
  while (const std::optional<ChunkPtr> chunk = chunks.Pop()) {
    VENEER_TRY_VOID(reader.Read({*chunk, (*chunk)->view()}));
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
