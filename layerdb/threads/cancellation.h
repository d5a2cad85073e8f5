// SPDX-License-Identifier: Apache-2.0
//
// Cancellation: somebody asks long work to end, the work looks now and then, and what waits for
// input is woken, in whatever thread it waits.
//
// Thread-safe; Request() may be called from a signal handler.
#ifndef VENEER_LAYERDB_THREADS_CANCELLATION_H_
#define VENEER_LAYERDB_THREADS_CANCELLATION_H_

#include <atomic>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

class Cancellation {
 public:
  // Requested also when `parent` is, which may be null and outlives this.
  explicit Cancellation(const Cancellation* parent = nullptr);
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  void Request() noexcept;
  bool requested() const {
    return requested_.load(std::memory_order_relaxed) ||
           (parent_ != nullptr && parent_->requested());
  }

  // For work that takes `const Cancellation*`, null when nobody will ask. The failure has the code
  // ECANCELED.
  static Result<void> Check(const Cancellation* cancel);
  // Waits until `fd` can be read without waiting, or is at its end. ECANCELED: requested to end.
  static Sys<void> WaitForInput(const Cancellation* cancel, int fd);

 private:
  std::atomic<bool> requested_ = false;
  static_assert(std::atomic<bool>::is_always_lock_free);
  // Readable once requested. Where there was none to be had, only running work notices a request.
  Fd event_;
  const Cancellation* const parent_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_CANCELLATION_H_
