// SPDX-License-Identifier: Apache-2.0
//
// The random numbers of the parity test: the same on every machine for the same seed, so that a
// failure is replayed from its seed alone.
#ifndef VENEER_TESTS_MOUNT_PARITY_RNG_H_
#define VENEER_TESTS_MOUNT_PARITY_RNG_H_

#include <cstddef>
#include <cstdint>

namespace veneer::parity {

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // A number in [0, n). REQUIRES: n > 0.
  uint64_t Below(uint64_t n) { return Next() % n; }
  // A number in [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  bool Percent(unsigned percent) { return Below(100) < percent; }
  // One element. REQUIRES: not empty.
  template <class Container>
  const typename Container::value_type& Pick(const Container& all) {
    return all.begin()[static_cast<std::ptrdiff_t>(Below(all.size()))];
  }

 private:
  uint64_t state_;
};

}  // namespace veneer::parity

#endif  // VENEER_TESTS_MOUNT_PARITY_RNG_H_
