// SPDX-License-Identifier: Apache-2.0
//
// ReadingProgress: tells the caller of an import or commit how far the reading is, and notices that
// the caller wants it to end.
//
// Thread-safety: none.
#ifndef VENEER_LAYERDB_TRANSFER_READING_PROGRESS_H_
#define VENEER_LAYERDB_TRANSFER_READING_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"

namespace veneer {

// `done` and `total` count bytes of the source as it is read (compressed bytes, of a compressed
// archive); total 0: not known. Called from one thread at a time, ten times a second at most, and
// once at the end.
using ProgressFunction = std::function<void(uint64_t done, uint64_t total)>;

class ReadingProgress {
 public:
  // `progress` may be empty. `cancel` may be null, and outlives it otherwise.
  ReadingProgress(ProgressFunction progress, const Cancellation* cancel, uint64_t total = 0)
      : progress_(std::move(progress)), cancel_(cancel), total_(total) {}

  // So many more bytes were read. ECANCELED: the caller wants it to end.
  Result<void> Add(uint64_t bytes) { return Set(done_ + bytes); }
  // So many bytes were read in all.
  Result<void> Set(uint64_t done) {
    VENEER_TRY_VOID(Cancellation::Check(cancel_));
    done_ = done;
    if (!progress_) return {};
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ >= std::chrono::milliseconds(100)) {
      told_ = now;
      progress_(done_, total_);
    }
    return {};
  }
  void End() {
    if (progress_) progress_(done_, total_);
  }

 private:
  const ProgressFunction progress_;
  const Cancellation* const cancel_;
  const uint64_t total_;
  uint64_t done_ = 0;
  std::chrono::steady_clock::time_point told_{};
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_READING_PROGRESS_H_
