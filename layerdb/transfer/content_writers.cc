// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/content_writers.h"

#include <string>
#include <system_error>
#include <utility>

namespace veneer {

namespace {
// Batches that wait, and how large one gets. They view chunks of the stream, so this bounds the
// chunks, too.
constexpr size_t kQueue = 6;
constexpr size_t kBatchContents = 32;
constexpr size_t kBatchBytes = size_t{512} << 10;
}  // namespace

ContentWriters::ContentWriters(StoreWriter& store_writer, LayerAssembler& layer, size_t threads)
    : store_writer_(store_writer), layer_(layer), queue_(kQueue) {
  try {
    for (size_t i = 0; i < threads; ++i) {
      workers_.push_back(std::make_unique<Worker>([this] { return RunGuarded(); }));
    }
  } catch (const std::system_error&) {
    // Where there are no more threads to be had, fewer do it; the destructor would not run.
    if (workers_.empty()) throw;
  }
}

Result<void> ContentWriters::RunGuarded() {
  // With one writer gone, whatever the reason, there is no use in the others.
  bool done = false;
  struct Guard {
    BoundedQueue<Batch>& queue;
    const bool& done;
    ~Guard() {
      if (!done) queue.Abandon();
    }
  } guard{queue_, done};
  Result<void> result = Run();
  done = result.has_value();
  return result;
}

ContentWriters::~ContentWriters() { queue_.Abandon(); }

Result<void> ContentWriters::Run() {
  std::string joined;
  while (const std::optional<Batch> batch = queue_.Pop()) {
    for (const Job& job : *batch) VENEER_TRY_VOID(Store(job, &joined));
  }
  return {};
}

Result<void> ContentWriters::Store(const Job& job, std::string* joined) {
  std::string_view bytes = job.slices.front().bytes;
  if (job.slices.size() > 1) {
    joined->clear();
    for (const SharedBytes& slice : job.slices) *joined += slice.bytes;
    bytes = *joined;
  }
  VENEER_TRY(const ObjectRef ref, store_writer_.PutObject(bytes));
  layer_.SetObject(job.content, ref, DenseBlocks(bytes.size()));
  return {};
}

Result<void> ContentWriters::Submit(uint32_t content, std::vector<SharedBytes> slices) {
  for (const SharedBytes& slice : slices) batch_bytes_ += slice.bytes.size();
  batch_.push_back({content, std::move(slices)});
  if (batch_.size() < kBatchContents && batch_bytes_ < kBatchBytes) return {};
  return Flush();
}

Result<void> ContentWriters::Flush() {
  batch_bytes_ = 0;
  if (batch_.empty() || queue_.Push(std::exchange(batch_, {}))) return {};
  // The queue is abandoned only by a writer that failed.
  VENEER_TRY_VOID(Join());
  return MakeError("the writing of contents has stopped");
}

Result<void> ContentWriters::Join() {
  queue_.Close();
  Result<void> result;
  for (const std::unique_ptr<Worker>& worker : std::exchange(workers_, {})) {
    Result<void> one = worker->Join();
    if (result && !one) result = std::move(one);
  }
  return result;
}

Result<void> ContentWriters::Finish() {
  VENEER_TRY_VOID(Flush());
  return Join();
}

}  // namespace veneer
