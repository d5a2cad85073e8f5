// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/crc32.h"

#include <array>
#include <cstddef>

namespace veneer {

namespace {

constexpr uint32_t kPolynomial = 0xedb88320;

// kTables[k][b]: the remainder of byte b followed by k zero bytes.
constexpr auto kTables = [] {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t value = b;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? kPolynomial : 0);
    tables[0][b] = value;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t b = 0; b < 256; ++b) {
      const uint32_t before = tables[k - 1][b];
      tables[k][b] = before >> 8 ^ tables[0][before & 0xff];
    }
  }
  return tables;
}();

uint32_t Byte(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

}  // namespace

void Crc32::Update(std::string_view bytes) {
  uint32_t state = state_;
  while (bytes.size() >= 8) {
    const uint32_t low = state ^ (Byte(bytes, 0) | Byte(bytes, 1) << 8 | Byte(bytes, 2) << 16 |
                                  Byte(bytes, 3) << 24);
    state = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^
            kTables[4][low >> 24] ^ kTables[3][Byte(bytes, 4)] ^ kTables[2][Byte(bytes, 5)] ^
            kTables[1][Byte(bytes, 6)] ^ kTables[0][Byte(bytes, 7)];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) {
    state = state >> 8 ^ kTables[0][(state ^ static_cast<uint8_t>(c)) & 0xff];
  }
  state_ = state;
}

}  // namespace veneer
