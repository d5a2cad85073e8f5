// SPDX-License-Identifier: Apache-2.0
//
// StepTurns: what the steps of one build have to agree upon. Two stages that begin alike make the
// same step at the same time, and each would make a layer of its own. So one makes it, and the
// other waits and finds it in the cache.
//
// Thread-safe.
#ifndef VENEER_TOOLS_BUILD_STEP_TURNS_H_
#define VENEER_TOOLS_BUILD_STEP_TURNS_H_

#include <set>
#include <string>
#include <utility>

#include "layerdb/base/digest.h"
#include "layerdb/base/mutex.h"

namespace veneer {

class StepTurns {
 public:
  // Has the turn to make the step of a key, until it ends.
  class Turn {
   public:
    Turn(StepTurns& turns, Digest key) : turns_(turns), key_(std::move(key)) { turns_.Take(key_); }
    ~Turn() { turns_.End(key_); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    StepTurns& turns_;
    const Digest key_;
  };

  // True for the first who asks for a name: a build without cache empties a directory of
  // RUN --mount=type=cache once, and keeps what its own steps put there.
  bool IsFirst(const std::string& name) {
    const MutexLock lock(mutex_);
    return asked_.insert(name).second;
  }

 private:
  // Waits while another has the turn: whoever has it is never waiting for a turn itself.
  void Take(const Digest& key) {
    const MutexLock lock(mutex_);
    while (taken_.contains(key)) changed_.Wait(mutex_);
    taken_.insert(key);
  }
  void End(const Digest& key) {
    const MutexLock lock(mutex_);
    taken_.erase(key);
    changed_.NotifyAll();
  }

  Mutex mutex_;
  CondVar changed_;
  std::set<Digest> taken_ GUARDED_BY(mutex_);
  std::set<std::string> asked_ GUARDED_BY(mutex_);
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_STEP_TURNS_H_
