// SPDX-License-Identifier: Apache-2.0
//
// Runs of zeros: what a file system need not keep.
#ifndef VENEER_LAYERDB_BASE_ZEROS_H_
#define VENEER_LAYERDB_BASE_ZEROS_H_

#include <cstring>
#include <string_view>

namespace veneer {

// Is every byte 0? No bytes are.
inline bool IsZero(std::string_view bytes) {
  // All bytes are equal to the first when the whole equals itself moved by one.
  return bytes.empty() ||
         (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_ZEROS_H_
