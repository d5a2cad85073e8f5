// SPDX-License-Identifier: Apache-2.0
//
// What a UnionFs has done since it was made. Counted without locks: a reader sees each number
// right, and not all of them of the same moment.
#ifndef VENEER_FS_CORE_COUNTERS_H_
#define VENEER_FS_CORE_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace veneer {

struct Counters {
  std::atomic<uint64_t> bytes_read{
      0};  // asked for by the kernel; what it had cached is not among them
  std::atomic<uint64_t> bytes_written{0};
  std::atomic<uint64_t> metadata_copy_ups{0};  // attributes alone
  std::atomic<uint64_t> data_copy_ups{0};      // contents, with or after the attributes
  std::atomic<uint64_t> bytes_copied_up{0};
  std::atomic<uint64_t> directories_merged{0};
  std::atomic<uint64_t> descriptor_hits{0};  // of the descriptors of contents
  std::atomic<uint64_t> descriptor_misses{0};

  static void Add(std::atomic<uint64_t>& counter, uint64_t n = 1) {
    counter.fetch_add(n, std::memory_order_relaxed);
  }
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_COUNTERS_H_
