// SPDX-License-Identifier: Apache-2.0
//
// UsedSteps: the steps that a build has made or taken from the cache, for those who give them to
// other machines.
//
// Thread-safe.
#ifndef VENEER_TOOLS_BUILD_USED_STEPS_H_
#define VENEER_TOOLS_BUILD_USED_STEPS_H_

#include <map>
#include <utility>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/mutex.h"
#include "layerdb/catalog/step_results.h"

namespace veneer {

class UsedSteps {
 public:
  struct Step {
    StepResult result;
    Digest chain_id;  // of the image with the layer
  };

  void Add(const Digest& key, const StepResult& result, const Digest& chain_id) {
    const MutexLock lock(mutex_);
    steps_.insert_or_assign(key, Step{result, chain_id});
  }
  // By key, so that the order is the same each time.
  std::map<Digest, Step> List() const {
    const MutexLock lock(mutex_);
    return steps_;
  }

 private:
  mutable Mutex mutex_;
  std::map<Digest, Step> steps_ GUARDED_BY(mutex_);
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_USED_STEPS_H_
