// SPDX-License-Identifier: Apache-2.0
//
// Hashes. XXH3-128 finds equal contents and detects decay; SHA-256 names OCI things. XXH3 is not a
// cryptographic hash: two contents with one value are equal only after a byte comparison.
// Objects of these classes are not thread-safe.
#ifndef VENEER_LAYERDB_BASE_HASH_H_
#define VENEER_LAYERDB_BASE_HASH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace veneer {

// 128 bits of XXH3 in canonical (big-endian) byte order.
using Hash128 = std::array<uint8_t, 16>;

Hash128 Xxh128(std::string_view data);
uint64_t Xxh64(std::string_view data, uint64_t seed = 0);

class Xxh128Stream {
 public:
  Xxh128Stream();
  ~Xxh128Stream();
  Xxh128Stream(Xxh128Stream&&) noexcept;
  Xxh128Stream& operator=(Xxh128Stream&&) noexcept;
  void Reset();
  void Update(std::string_view data);
  Hash128 Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  void Update(std::string_view data);
  // One that goes on from here by itself.
  Sha256Stream Copy() const;
  // Ends the stream: 64 lower-case hex digits. Call once.
  std::string FinishHex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 64 lower-case hex digits.
std::string Sha256Hex(std::string_view data);

std::string ToHex(const uint8_t* data, size_t size);
inline std::string ToHex(const Hash128& h) { return ToHex(h.data(), h.size()); }
// Lower-case hex only; false when `hex` is not exactly 2*size such digits.
bool FromHex(std::string_view hex, uint8_t* out, size_t size);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_HASH_H_
