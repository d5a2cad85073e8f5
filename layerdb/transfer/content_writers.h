// SPDX-License-Identifier: Apache-2.0
//
// ContentWriters: threads that hash contents and put them into the store, while the archive is read
// on. Whole contents come in; how many bytes wait is bounded. Submit() and Finish() are for one
// thread.
#ifndef VENEER_LAYERDB_TRANSFER_CONTENT_WRITERS_H_
#define VENEER_LAYERDB_TRANSFER_CONTENT_WRITERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/bounded_queue.h"
#include "layerdb/threads/shared_bytes.h"
#include "layerdb/threads/worker.h"
#include "layerdb/transfer/layer_assembler.h"

namespace veneer {

class ContentWriters {
 public:
  // Up to here a content is read into memory whole, for a thread to store.
  static constexpr uint64_t kWholeLimit = uint64_t{1} << 20;

  // With up to `threads` of them, as many as can be made. Throws std::system_error when that is
  // none.
  ContentWriters(StoreWriter& store_writer, LayerAssembler& layer, size_t threads);
  ~ContentWriters();
  ContentWriters(const ContentWriters&) = delete;
  ContentWriters& operator=(const ContentWriters&) = delete;

  // Stores the contents that `slices` make up one after the other. An error is that of an earlier
  // one.
  Result<void> Submit(uint32_t content, std::vector<SharedBytes> slices);
  // Waits until all is stored. Call once.
  Result<void> Finish();

 private:
  struct Job {
    uint32_t content = 0;
    std::vector<SharedBytes> slices;
  };
  // Contents go through the queue in batches: waking a thread costs as much as writing a small one.
  using Batch = std::vector<Job>;
  Result<void> RunGuarded();
  Result<void> Run();
  Result<void> Store(const Job& job, std::string* joined);
  Result<void> Flush();
  Result<void> Join();

  StoreWriter& store_writer_;
  LayerAssembler& layer_;
  BoundedQueue<Batch> queue_;
  Batch batch_;
  size_t batch_bytes_ = 0;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CONTENT_WRITERS_H_
