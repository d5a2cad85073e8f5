// SPDX-License-Identifier: Apache-2.0
//
// Bytes that several stages of a pipeline use, each as long as it needs them.
#ifndef VENEER_LAYERDB_THREADS_SHARED_BYTES_H_
#define VENEER_LAYERDB_THREADS_SHARED_BYTES_H_

#include <memory>
#include <string_view>

namespace veneer {

struct SharedBytes {
  std::shared_ptr<const void> keep;  // keeps the bytes alive
  std::string_view bytes;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_SHARED_BYTES_H_
