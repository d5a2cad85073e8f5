// SPDX-License-Identifier: Apache-2.0
//
// BufferPool: buffers of one size that are used again; each begins at a page, as a write past the
// page cache needs it (open(2), O_DIRECT). A fresh buffer of a megabyte costs more than
// reading a file into it: the kernel clears each of its pages at the first touch.
//
// Thread-safety: all methods, and the last release of a buffer, may be called from any thread.
#ifndef VENEER_LAYERDB_THREADS_BUFFER_POOL_H_
#define VENEER_LAYERDB_THREADS_BUFFER_POOL_H_

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "layerdb/base/mutex.h"

namespace veneer {

class BufferPool {
 public:
  // `size`: bytes of each buffer.
  explicit BufferPool(size_t size) : size_(size), free_(std::make_shared<Free>()) {}

  // A buffer, whose contents are anything. It goes back to the pool with its last owner, who may
  // outlive the pool.
  std::shared_ptr<char> Get() {
    Buffer buffer = free_->Pop();
    if (buffer == nullptr) buffer.reset(new (kPage) char[size_]);
    return {buffer.release(), [free = free_](char* bytes) { free->Push(bytes); }};
  }

 private:
  static constexpr std::align_val_t kPage{4096};
  struct Delete {
    void operator()(char* bytes) const { operator delete[](bytes, kPage); }
  };
  using Buffer = std::unique_ptr<char[], Delete>;

  class Free {
   public:
    Buffer Pop() {
      const MutexLock lock(mutex_);
      if (buffers_.empty()) return nullptr;
      Buffer last = std::move(buffers_.back());
      buffers_.pop_back();
      return last;
    }
    void Push(char* bytes) {
      const MutexLock lock(mutex_);
      buffers_.emplace_back(bytes);
    }

   private:
    Mutex mutex_;
    std::vector<Buffer> buffers_ GUARDED_BY(mutex_);
  };

  const size_t size_;
  const std::shared_ptr<Free> free_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_BUFFER_POOL_H_
