// SPDX-License-Identifier: Apache-2.0
//
// Locks that cost a node nothing: most nodes are never changed, so none carries a mutex of its own.
#ifndef VENEER_FS_CORE_LOCKS_H_
#define VENEER_FS_CORE_LOCKS_H_

#include <array>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
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

// A mutex for each of many things by number, shared by chance with others. One thread holds at most one.
class MutexByNumber {
 public:
  std::mutex& For(uint64_t number) { return mutexes_[number % mutexes_.size()]; }

 private:
  std::array<std::mutex, 31> mutexes_;
};

// "Somebody is doing this to this node": for work that can take long and that few nodes ever see.
class BusyNodes {
 public:
  enum class Work { kCopyMeta, kCopyData };

  class Guard {
   public:
    // Waits until nobody else does. `given_up` is asked while it waits; once it is true, the guard holds nothing.
    Guard(BusyNodes& set, NodeId id, Work work, bool (*given_up)() = nullptr)
        : set_(set), key_(id, work) {
      std::unique_lock lock(set_.mutex_);
      ++set_.users_[key_].wanting;
      while (set_.users_[key_].busy) {
        if (given_up == nullptr) {
          set_.freed_.wait(lock);
        } else if (set_.freed_.wait_for(lock, kAskAgain) == std::cv_status::timeout && given_up()) {
          Leave();
          return;
        }
      }
      holds_ = set_.users_[key_].busy = true;
    }
    ~Guard() {
      if (!holds_) return;
      {
        const std::lock_guard lock(set_.mutex_);
        set_.users_[key_].busy = false;
        Leave();
      }
      set_.freed_.notify_all();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    bool holds() const { return holds_; }
    // Somebody waits for what this guard holds.
    bool IsWaitedFor() const {
      const std::lock_guard lock(set_.mutex_);
      return set_.users_[key_].wanting > 1;
    }

   private:
    static constexpr std::chrono::milliseconds kAskAgain{30};
    void Leave() {
      if (--set_.users_[key_].wanting == 0) set_.users_.erase(key_);
    }

    BusyNodes& set_;
    std::pair<NodeId, Work> key_;
    bool holds_ = false;
  };

 private:
  struct Users {
    bool busy = false;
    unsigned wanting = 0;  // who waits, and who is at it
  };
  std::mutex mutex_;
  std::condition_variable freed_;
  std::map<std::pair<NodeId, Work>, Users> users_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_LOCKS_H_
