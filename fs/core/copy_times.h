// SPDX-License-Identifier: Apache-2.0
//
// CopyTimes: what utimens(2) sets on a file while its contents are being copied up. Copying marks
// the times of the upper file and puts them back at the end, which must not undo what a caller
// asked for meanwhile. Thread-safe.
#ifndef VENEER_FS_CORE_COPY_TIMES_H_
#define VENEER_FS_CORE_COPY_TIMES_H_

#include <map>
#include <optional>
#include <utility>

#include "fs/core/types.h"
#include "layerdb/base/mutex.h"

namespace veneer {

class CopyTimes {
 public:
  struct Times {
    Timestamp atime;
    Timestamp mtime;
  };

  // A copy begins, with the times that the file is to have after it.
  void Begin(NodeId node, const Times& times) {
    const MutexLock lock(mutex_);
    copies_[node] = times;
  }
  // The file has these times now. Nothing where no copy is under way.
  void Set(NodeId node, const Times& times) {
    const MutexLock lock(mutex_);
    const auto copy = copies_.find(node);
    if (copy != copies_.end()) copy->second = times;
  }
  // The copy has ended: what the times are to be. REQUIRES: Begin().
  Times End(NodeId node) {
    const MutexLock lock(mutex_);
    return copies_.extract(node).mapped();
  }

 private:
  Mutex mutex_;
  std::map<NodeId, Times> copies_ GUARDED_BY(mutex_);
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_COPY_TIMES_H_
