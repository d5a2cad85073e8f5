// SPDX-License-Identifier: Apache-2.0
//
// Locks that cost a node nothing: most nodes are never changed, so none carries a mutex of its own.
#ifndef VENEER_FS_CORE_LOCKS_H_
#define VENEER_FS_CORE_LOCKS_H_

#include <array>
#include <condition_variable>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <utility>

#include "fs/core/types.h"

namespace veneer {

// A reader-writer lock per node, shared by chance with others. One thread holds at most one.
class PlaceLocks {
 public:
  std::shared_mutex& For(NodeId id) { return locks_[id % locks_.size()]; }

 private:
  std::array<std::shared_mutex, 127> locks_;
};

// "Somebody is doing this to this node": for work that can take long and that few nodes ever see.
class BusyNodes {
 public:
  enum class Work { kCopyMeta, kCopyData };

  class Guard {
   public:
    Guard(BusyNodes& set, NodeId id, Work work) : set_(set), key_(id, work) {
      std::unique_lock lock(set_.mutex_);
      set_.freed_.wait(lock, [&] { return !set_.busy_.contains(key_); });
      set_.busy_.insert(key_);
    }
    ~Guard() {
      {
        const std::lock_guard lock(set_.mutex_);
        set_.busy_.erase(key_);
      }
      set_.freed_.notify_all();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    BusyNodes& set_;
    std::pair<NodeId, Work> key_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::set<std::pair<NodeId, Work>> busy_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_LOCKS_H_
