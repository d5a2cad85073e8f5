// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/recent_truncations.h"

namespace veneer {

void RecentTruncations::Begin(uint64_t node, uint32_t thread) {
  Slot& slot = slots_[node % kSlots];
  slot.thread.store(thread, std::memory_order_relaxed);
  slot.when.store(kServed, std::memory_order_relaxed);
  slot.node.store(node, std::memory_order_release);
}

void RecentTruncations::End(uint64_t node, Clock::time_point now) {
  Slot& slot = slots_[node % kSlots];
  slot.when.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  slot.node.store(node, std::memory_order_release);
}

void RecentTruncations::Settled(uint64_t node) {
  Slot& slot = slots_[node % kSlots];
  if (slot.node.load(std::memory_order_relaxed) == node) slot.node.compare_exchange_strong(node, 0);
}

RecentTruncations::Clock::duration RecentTruncations::Wait(uint64_t node, uint32_t reader,
                                                           Clock::time_point now) const {
  const Slot& slot = slots_[node % kSlots];
  if (slot.node.load(std::memory_order_acquire) != node) return {};
  if (reader != 0 && slot.thread.load(std::memory_order_relaxed) == reader) return {};
  const Clock::rep when = slot.when.load(std::memory_order_relaxed);
  if (when == kServed) return kMoment;
  const Clock::time_point end = Clock::time_point(Clock::duration(when)) + kMoment;
  return now < end ? end - now : Clock::duration();
}

}  // namespace veneer
