// SPDX-License-Identifier: Apache-2.0
//
// FdCache: a bounded set of open descriptors by number. Descriptors are a cache here, never state:
// whoever needs one and does not find it opens it again. A descriptor that is evicted while
// somebody uses it is closed when the last user lets go. Thread-safe; least recently used goes
// first, per shard.
#ifndef VENEER_LAYERDB_BASE_FD_CACHE_H_
#define VENEER_LAYERDB_BASE_FD_CACHE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "layerdb/base/fd.h"
#include "layerdb/base/mutex.h"

namespace veneer {

using SharedFd = std::shared_ptr<const Fd>;

class FdCache {
 public:
  // `capacity`: the most descriptors to keep; at least one per shard is kept.
  explicit FdCache(size_t capacity);

  // Null when there is none.
  SharedFd Get(uint64_t key);
  // Keeps `fd` under `key`, replacing what was there, and returns it.
  SharedFd Put(uint64_t key, Fd fd);
  void Erase(uint64_t key);
  // From now on keeps at most so many, and closes those that are too many already.
  void Limit(size_t capacity);

 private:
  struct Slot {
    uint64_t key;
    SharedFd fd;
  };
  struct Shard {
    Mutex mutex;
    std::list<Slot> by_age GUARDED_BY(mutex);  // most recently used first
    std::unordered_map<uint64_t, std::list<Slot>::iterator> by_key GUARDED_BY(mutex);
  };
  static constexpr size_t kShards = 8;
  Shard& ShardOf(uint64_t key) { return shards_[(key * 0x9E3779B97F4A7C15u) >> 61]; }

  std::atomic<size_t> per_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_FD_CACHE_H_
