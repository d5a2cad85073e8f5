// SPDX-License-Identifier: Apache-2.0
//
// ContentSpool: small contents between the reading of an archive and the writing of the index,
// whose order is another. In an unlinked file, so that a million of them cost no memory. Not
// thread-safe.
#ifndef VENEER_LAYERDB_TRANSFER_CONTENT_SPOOL_H_
#define VENEER_LAYERDB_TRANSFER_CONTENT_SPOOL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

class ContentSpool {
 public:
  // The file lies in `dir` and has no name.
  static Result<ContentSpool> Create(const std::string& dir);

  // Keeps `bytes`; gives the offset to find them at.
  Result<uint64_t> Append(std::string_view bytes);
  Result<std::string> Read(uint64_t offset, uint64_t size);

 private:
  explicit ContentSpool(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
  uint64_t flushed_ = 0;  // bytes in the file
  std::string pending_;   // what follows them
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CONTENT_SPOOL_H_
