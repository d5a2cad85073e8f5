// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/content_writers.h"

#include <string>
#include <utility>

namespace veneer {

namespace {
// Contents that wait. They view chunks of the stream, so this many bound the chunks, too.
constexpr size_t kQueue = 64;
}  // namespace

ContentWriters::ContentWriters(WriteSession& session, LayerAssembler& layer, size_t threads)
    : session_(session), layer_(layer), queue_(kQueue) {
  for (size_t i = 0; i < threads; ++i) {
    workers_.push_back(std::make_unique<Worker>([this] {
      // With one writer gone, whatever the reason, there is no use in the others.
      bool done = false;
      struct Guard {
        BoundedQueue<Job>& queue;
        const bool& done;
        ~Guard() {
          if (!done) queue.Abandon();
        }
      } guard{queue_, done};
      Result<void> result = Run();
      done = result.has_value();
      return result;
    }));
  }
}

ContentWriters::~ContentWriters() { queue_.Abandon(); }

Result<void> ContentWriters::Run() {
  std::string joined;
  while (std::optional<Job> job = queue_.Pop()) {
    std::string_view bytes = job->slices.front().bytes;
    if (job->slices.size() > 1) {
      joined.clear();
      for (const Slice& slice : job->slices) joined += slice.bytes;
      bytes = joined;
    }
    VENEER_TRY(const ObjectRef ref, session_.PutObject(bytes));
    layer_.SetObject(job->content, ref, DenseBlocks(bytes.size()));
  }
  return {};
}

Result<void> ContentWriters::Submit(uint32_t content, std::vector<Slice> slices) {
  if (queue_.Push({content, std::move(slices)})) return {};
  VENEER_TRY_VOID(Finish());
  return MakeError("the writing of contents has stopped");
}

Result<void> ContentWriters::Finish() {
  queue_.Close();
  Result<void> result;
  for (const std::unique_ptr<Worker>& worker : std::exchange(workers_, {})) {
    Result<void> one = worker->Join();
    if (result && !one) result = std::move(one);
  }
  return result;
}

}  // namespace veneer
