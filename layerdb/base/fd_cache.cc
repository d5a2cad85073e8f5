// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/fd_cache.h"

#include <algorithm>
#include <iterator>

namespace veneer {

FdCache::FdCache(size_t capacity) : per_shard_(std::max<size_t>(1, capacity / kShards)) {}

void FdCache::Limit(size_t capacity) {
  const size_t per_shard = std::max<size_t>(1, capacity / kShards);
  if (per_shard_.exchange(per_shard) <= per_shard) return;
  for (Shard& shard : shards_) {
    std::list<Slot> dropped;  // closed after the lock is released
    const MutexLock lock(shard.mutex);
    while (shard.by_age.size() > per_shard) {
      shard.by_key.erase(shard.by_age.back().key);
      dropped.splice(dropped.begin(), shard.by_age, std::prev(shard.by_age.end()));
    }
  }
}

SharedFd FdCache::Get(uint64_t key) {
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  const auto it = shard.by_key.find(key);
  if (it == shard.by_key.end()) return nullptr;
  shard.by_age.splice(shard.by_age.begin(), shard.by_age, it->second);
  return it->second->fd;
}

SharedFd FdCache::Put(uint64_t key, Fd fd) {
  auto shared = std::make_shared<const Fd>(std::move(fd));
  SharedFd dropped;  // closed after the lock is released
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  const auto it = shard.by_key.find(key);
  if (it != shard.by_key.end()) {
    dropped = std::exchange(it->second->fd, shared);
    shard.by_age.splice(shard.by_age.begin(), shard.by_age, it->second);
    return shared;
  }
  if (shard.by_age.size() >= per_shard_) {
    dropped = std::move(shard.by_age.back().fd);
    shard.by_key.erase(shard.by_age.back().key);
    shard.by_age.pop_back();
  }
  shard.by_age.push_front({key, shared});
  shard.by_key.emplace(key, shard.by_age.begin());
  return shared;
}

void FdCache::Erase(uint64_t key) {
  SharedFd dropped;
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  const auto it = shard.by_key.find(key);
  if (it == shard.by_key.end()) return;
  dropped = std::move(it->second->fd);
  shard.by_age.erase(it->second);
  shard.by_key.erase(it);
}

}  // namespace veneer
