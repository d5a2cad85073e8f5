// SPDX-License-Identifier: Apache-2.0
//
// Inflating raw deflate (RFC 1951), by ISA-L or by zlib. ISA-L takes about a quarter of the time.
// It is loaded only when gzip is read: most commands read none. Where it is not installed, or the
// build was without its header, zlib does the work. ISA-L also takes Huffman codes that leave
// combinations of bits unused, which zlib refuses; the checksum is right then too.
//
// Not thread-safe; each thread makes its own.
#ifndef VENEER_LAYERDB_TAR_INFLATER_H_
#define VENEER_LAYERDB_TAR_INFLATER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

// What one call of Inflater::Inflate did.
struct Inflated {
  size_t taken = 0;    // bytes of the input
  size_t given = 0;    // bytes of the output
  bool ended = false;  // the stream has ended
  // How many of the bytes taken last, by this call and those before it, are behind the end.
  size_t unread = 0;
};

class Inflater {
 public:
  // ISA-L's where there is one, otherwise zlib's.
  static std::unique_ptr<Inflater> Create();
  virtual ~Inflater() = default;

  // Begins another stream.
  virtual void Reset() = 0;
  // Takes all of `in`, or fills `out`, or ends the stream. `out` is not empty. What is inflated may
  // wait in the inflater: give more input only after a call that left room in `out`, so that
  // `unread` is of the input given last. Errors: the stream is damaged, always told in the same
  // words.
  virtual Result<Inflated> Inflate(std::string_view in, std::span<char> out) = 0;
  // The CRC-32 of gzip (RFC 1952, 8), continued from `crc`; 0 begins.
  virtual uint32_t Crc(uint32_t crc, std::string_view bytes) const = 0;
};

// nullptr: ISA-L is not there.
std::unique_ptr<Inflater> CreateIsalInflater();
std::unique_ptr<Inflater> CreateZlibInflater();

// The error of Inflate().
tl::unexpected<Error> DamagedDeflate();

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_INFLATER_H_
