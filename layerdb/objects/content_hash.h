// SPDX-License-Identifier: Apache-2.0
//
// The hash that names an object: XXH3-128 of the contents, with one exception that makes a file of
// a terabyte of holes cheap: aligned 64 KiB blocks that are all zero are left out, and a list of
// the runs left out (first block u64, count u64, little-endian), followed by the size (u64), is
// hashed at the end. Contents without such a block are hashed as they are, so for anything below 64
// KiB this is plain XXH3-128. It depends on the bytes only, not on where a file happens to have
// holes.
#ifndef VENEER_LAYERDB_OBJECTS_CONTENT_HASH_H_
#define VENEER_LAYERDB_OBJECTS_CONTENT_HASH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/hash.h"
#include "layerdb/base/result.h"

namespace veneer {

// Not thread-safe.
class ContentHasher {
 public:
  static constexpr size_t kBlock = 64 * 1024;

  void Update(std::string_view bytes);
  // As Update() with `count` zero bytes, in time that does not depend on `count`.
  void Zeros(uint64_t count);
  uint64_t size() const { return size_; }
  Hash128 Finish();

 private:
  void Block(std::string_view block);
  void ZeroBlocks(uint64_t count);

  Xxh128Stream stream_;
  std::string partial_;  // the bytes of a block that is not complete
  uint64_t size_ = 0;
  uint64_t blocks_ = 0;                              // complete ones
  std::vector<std::pair<uint64_t, uint64_t>> runs_;  // first zero block, count
};

Hash128 HashContent(std::string_view bytes);
// Of an open file, all of it; holes are not read.
Sys<Hash128> HashContentOf(int fd);

// The parts of a file of `size` bytes that are not holes, in order, until `sink` returns false.
Sys<void> ForEachData(int fd, uint64_t size,
                      FunctionRef<bool(uint64_t offset, uint64_t length)> sink);

}  // namespace veneer

#endif  // VENEER_LAYERDB_OBJECTS_CONTENT_HASH_H_
