// SPDX-License-Identifier: Apache-2.0
//
// BoundedQueue: what one stage of a pipeline hands to the next. The sender waits while the queue is
// full, which bounds the memory of the whole. Thread-safe.
#ifndef VENEER_LAYERDB_THREADS_BOUNDED_QUEUE_H_
#define VENEER_LAYERDB_THREADS_BOUNDED_QUEUE_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "layerdb/base/mutex.h"

namespace veneer {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // Waits for room. False when the receiver has gone: nothing more will be taken.
  bool Push(T value) {
    const MutexLock lock(mutex_);
    while (queue_.size() >= capacity_ && !abandoned_) room_.Wait(mutex_);
    if (abandoned_) return false;
    queue_.push_back(std::move(value));
    filled_.NotifyOne();
    return true;
  }

  // Waits for a value. nullopt after Close(), when the queue is empty, or after Abandon().
  std::optional<T> Pop() {
    const MutexLock lock(mutex_);
    while (queue_.empty() && !closed_ && !abandoned_) filled_.Wait(mutex_);
    if (queue_.empty() || abandoned_) return std::nullopt;
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    room_.NotifyOne();
    return value;
  }

  // The sender has nothing more.
  void Close() {
    const MutexLock lock(mutex_);
    closed_ = true;
    filled_.NotifyAll();
  }

  // The receiver takes nothing more; what is queued is dropped.
  void Abandon() {
    const MutexLock lock(mutex_);
    abandoned_ = true;
    queue_.clear();
    room_.NotifyAll();
    filled_.NotifyAll();
  }

 private:
  const size_t capacity_;
  Mutex mutex_;
  CondVar room_;
  CondVar filled_;
  std::deque<T> queue_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  bool abandoned_ GUARDED_BY(mutex_) = false;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_BOUNDED_QUEUE_H_
