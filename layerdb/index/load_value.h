// SPDX-License-Identifier: Apache-2.0
//
// A number in bytes of a file, at any address, in the machine's own order.
#ifndef VENEER_LAYERDB_INDEX_LOAD_VALUE_H_
#define VENEER_LAYERDB_INDEX_LOAD_VALUE_H_

#include <cstddef>
#include <cstring>
#include <string_view>

namespace veneer {

// REQUIRES: `bytes` has sizeof(T) bytes from `at`.
template <class T>
T LoadValue(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_LOAD_VALUE_H_
