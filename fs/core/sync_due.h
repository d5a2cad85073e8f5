// SPDX-License-Identifier: Apache-2.0
//
// SyncDue: whether the next sync of a node must be a full one, although its contents alone were
// asked for (fdatasync, O_DSYNC, msync). ext4 makes neither a link nor an extended attribute
// durable for an fdatasync: just after a copy-up the acknowledged bytes would lie in a file without
// a name, or behind the mark that says that they are below. So the first sync after the name or the
// mark was changed is an fsync, and so is the first one of a node that was found in the upper: who
// served it before may have made it a moment ago.
//
// Thread-safe.
#ifndef VENEER_FS_CORE_SYNC_DUE_H_
#define VENEER_FS_CORE_SYNC_DUE_H_

#include <atomic>
#include <cstdint>

namespace veneer {

class SyncDue {
 public:
  // What a sync that begins now must make durable beside the contents; 0: nothing.
  uint32_t Begin() const {
    const uint32_t change = change_;
    return (change & kDue) != 0 ? change : 0;
  }
  // The name or the marks were changed since the node was made.
  bool AfterChange() const { return Begin() > kDue; }
  // That sync has been done, and was a full one. A change made meanwhile stays due.
  void Done(uint32_t begun) { change_.compare_exchange_strong(begun, begun & ~kDue); }
  // After the name or the marks were changed.
  void Again() {
    uint32_t before = change_;
    while (!change_.compare_exchange_weak(before, (before | kDue) + 2)) {
    }
  }

 private:
  static constexpr uint32_t kDue = 1;
  std::atomic<uint32_t> change_{kDue};  // the number of the last change times 2, and kDue
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_SYNC_DUE_H_
