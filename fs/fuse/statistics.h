// SPDX-License-Identifier: Apache-2.0
//
// Statistics: how many requests of each kind a mount has served, and how long they took. Counting
// costs two readings of the clock and a few uncontended additions per request. Thread-safe, without
// locks.
#ifndef VENEER_FS_FUSE_STATISTICS_H_
#define VENEER_FS_FUSE_STATISTICS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "fs/core/counters.h"

namespace veneer {

// Times in classes whose borders grow by a quarter of a power of two, from 1 ns to an hour, so that
// a percentile is off by at most a fifth.
class Histogram {
 public:
  void Add(uint64_t nanoseconds);
  uint64_t count() const;
  // The time that `part` (0..1) of the requests took at most; 0 when there was none.
  uint64_t Percentile(double part) const;

 private:
  static constexpr unsigned kClasses = 42 * 4;
  static unsigned ClassOf(uint64_t nanoseconds);
  static uint64_t UpperBorder(unsigned index);
  std::array<std::atomic<uint64_t>, kClasses> classes_{};
};

class Statistics {
 public:
  Statistics();
  // `opcode`: of fuse_in_header.
  void Served(uint32_t opcode, std::chrono::nanoseconds time);
  // Everything as one JSON object; its members are in veneerfs(1).
  std::string ToJson(const Counters& counters, uint64_t nodes) const;

 private:
  // Opcodes in use go to 52; whatever is above shares the last place.
  static constexpr unsigned kOpcodes = 64;
  struct Kind {
    std::atomic<uint64_t> nanoseconds{0};
    Histogram times;
  };
  const std::chrono::steady_clock::time_point start_;
  const std::unique_ptr<std::array<Kind, kOpcodes>> kinds_;
};

}  // namespace veneer

#endif  // VENEER_FS_FUSE_STATISTICS_H_
