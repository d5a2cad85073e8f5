// SPDX-License-Identifier: Apache-2.0
//
// BusyNodes: "somebody is doing this to this node", for work that can take long and that few nodes
// ever see. Thread-safe.
#ifndef VENEER_FS_CORE_BUSY_NODES_H_
#define VENEER_FS_CORE_BUSY_NODES_H_

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "fs/core/types.h"
#include "layerdb/base/log.h"
#include "layerdb/base/mutex.h"

namespace veneer {

class BusyNodes {
 public:
  enum class Work { kCopyMeta, kCopyData };

  class Guard {
   public:
    // Waits until nobody else does. `given_up` is asked while it waits; once it is true, the guard
    // holds nothing.
    Guard(BusyNodes& set, NodeId id, Work work, bool (*given_up)() = nullptr)
        : set_(set), key_(id, work), holds_(set.Enter(key_, given_up)) {}
    ~Guard() {
      if (holds_) set_.Finish(key_);
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    bool holds() const { return holds_; }
    // Somebody waits for what this guard holds.
    bool IsWaitedFor() const { return set_.IsWaitedFor(key_); }

   private:
    BusyNodes& set_;
    const std::pair<NodeId, Work> key_;
    const bool holds_;
  };

 private:
  using Key = std::pair<NodeId, Work>;
  static constexpr std::chrono::milliseconds kAskAgain{30};
  struct Users {
    bool busy = false;
    unsigned wanting = 0;  // who waits, and who is at it
  };

  bool Enter(const Key& key, bool (*given_up)()) {
    const MutexLock lock(mutex_);
    ++users_[key].wanting;
    if (users_[key].busy) LogWait(key);
    while (users_[key].busy) {
      if (given_up == nullptr) {
        freed_.Wait(mutex_);
      } else if (!freed_.WaitFor(mutex_, kAskAgain) && given_up()) {
        Leave(key);
        return false;
      }
    }
    return users_[key].busy = true;
  }
  static void LogWait(const Key& key) {
    if (!IsLogged(LogLevel::kDebug)) return;
    LogDebug("waiting for the copy-up of the " +
             std::string(key.second == Work::kCopyData ? "contents" : "attributes") + " of node " +
             std::to_string(key.first));
  }
  void Finish(const Key& key) {
    {
      const MutexLock lock(mutex_);
      users_[key].busy = false;
      Leave(key);
    }
    freed_.NotifyAll();
  }
  void Leave(const Key& key) REQUIRES(mutex_) {
    if (--users_[key].wanting == 0) users_.erase(key);
  }
  bool IsWaitedFor(const Key& key) {
    const MutexLock lock(mutex_);
    return users_[key].wanting > 1;
  }

  Mutex mutex_;
  CondVar freed_;
  std::map<Key, Users> users_ GUARDED_BY(mutex_);
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_BUSY_NODES_H_
