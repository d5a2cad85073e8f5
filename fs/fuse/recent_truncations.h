// SPDX-License-Identifier: Apache-2.0
//
// RecentTruncations: keeps the kernel from showing bytes that never were.
//
// When a file is truncated while somebody reads it, the reader's READ may be served just after the
// SETATTR. It comes back short; the kernel fills the page up with zeros, and takes them for
// contents as long as the process that truncates has not put the new size in place, which it does
// only when it gets to run. So the answer to a READ that meets the end of a file that was resized a
// moment ago waits out that moment, unless something has shown that the new size is in place: a
// request of the thread that has set it, or a WRITE that the kernel sends under the lock that it
// sets sizes under. A file that is rewritten and read back is not waited for.
//
// Thread-safe, without locks.
#ifndef VENEER_FS_FUSE_RECENT_TRUNCATIONS_H_
#define VENEER_FS_FUSE_RECENT_TRUNCATIONS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace veneer {

class RecentTruncations {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kMoment{2};

  // A SETATTR of the size of `node` by the thread `thread` (0: not known) is served from here on,
  // and about to be answered.
  void Begin(uint64_t node, uint32_t thread);
  void End(uint64_t node, Clock::time_point now);
  // The kernel has sent something that comes after its new size of `node`.
  void Settled(uint64_t node);
  // How long the answer to a READ by `reader` that met the end of `node` must wait before it asks
  // again; mostly zero.
  Clock::duration Wait(uint64_t node, uint32_t reader, Clock::time_point now) const;

 private:
  // The last truncation by node, those of other nodes in the same place forgotten. `when`: its end,
  // or kServed.
  struct Slot {
    std::atomic<uint64_t> node{0};
    std::atomic<Clock::rep> when{0};
    std::atomic<uint32_t> thread{0};
  };
  static constexpr Clock::rep kServed = -1;
  static constexpr size_t kSlots = 256;
  std::array<Slot, kSlots> slots_;
};

}  // namespace veneer

#endif  // VENEER_FS_FUSE_RECENT_TRUNCATIONS_H_
