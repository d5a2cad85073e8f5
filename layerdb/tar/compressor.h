// SPDX-License-Identifier: Apache-2.0
//
// Compressing a stream with gzip or zstd, on all processors. The same input gives the same output
// on every machine with the same libdeflate or libzstd: the work is cut up by its size and never by
// the number of threads, and the gzip header says neither time nor system. Not thread-safe.
#ifndef VENEER_LAYERDB_TAR_COMPRESSOR_H_
#define VENEER_LAYERDB_TAR_COMPRESSOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

enum class CompressionKind : uint8_t { kNone, kGzip, kZstd };

struct Compression {
  CompressionKind kind = CompressionKind::kNone;
  // Of zstd 1 to 19, of gzip 1 to 9; 0: the default.
  int level = 0;
  friend bool operator==(const Compression&, const Compression&) = default;
};

// "none", "gzip", "zstd", "zstd:LEVEL". Usage error for anything else.
Result<Compression> ParseCompression(std::string_view text);
// The word for it, which ParseCompression() reads; that of gzip says no level.
std::string CompressionName(const Compression& compression);

class Compressor {
 public:
  using Sink = FunctionRef<Result<void>(std::string_view bytes)>;

  // kNone gives one that hands on what it gets.
  static std::unique_ptr<Compressor> Create(const Compression& compression);
  virtual ~Compressor() = default;

  // What is ready goes to `sink`; an error of it ends the work and is returned.
  virtual Result<void> Write(std::string_view bytes, Sink sink) = 0;
  // The rest. Call once, last.
  virtual Result<void> Finish(Sink sink) = 0;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_COMPRESSOR_H_
