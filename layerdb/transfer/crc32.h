// SPDX-License-Identifier: Apache-2.0
//
// CRC-32 as gzip uses it (RFC 1952, section 8), eight bytes at a time. Not thread-safe.
#ifndef VENEER_LAYERDB_TRANSFER_CRC32_H_
#define VENEER_LAYERDB_TRANSFER_CRC32_H_

#include <cstdint>
#include <string_view>

namespace veneer {

class Crc32 {
 public:
  void Update(std::string_view bytes);
  uint32_t value() const { return ~state_; }

 private:
  uint32_t state_ = ~uint32_t{0};
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CRC32_H_
