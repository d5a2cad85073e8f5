// SPDX-License-Identifier: Apache-2.0
//
// BoundedQueue: what one stage of a pipeline hands to the next. The sender waits while the queue is
// full, which bounds the memory of the whole. Thread-safe.
#ifndef VENEER_LAYERDB_THREADS_BOUNDED_QUEUE_H_
#define VENEER_LAYERDB_THREADS_BOUNDED_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace veneer {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // Waits for room. False when the receiver has gone: nothing more will be taken.
  bool Push(T value) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return queue_.size() < capacity_ || abandoned_; });
    if (abandoned_) return false;
    queue_.push_back(std::move(value));
    filled_.notify_one();
    return true;
  }

  // Waits for a value. nullopt after Close(), when the queue is empty, or after Abandon().
  std::optional<T> Pop() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return !queue_.empty() || closed_ || abandoned_; });
    if (queue_.empty() || abandoned_) return std::nullopt;
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    room_.notify_one();
    return value;
  }

  // The sender has nothing more.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    filled_.notify_all();
  }

  // The receiver takes nothing more; what is queued is dropped.
  void Abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    queue_.clear();
    room_.notify_all();
    filled_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<T> queue_;
  bool closed_ = false;
  bool abandoned_ = false;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_BOUNDED_QUEUE_H_
