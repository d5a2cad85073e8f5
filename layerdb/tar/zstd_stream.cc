// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/zstd_stream.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "layerdb/base/mutex.h"
#include "layerdb/tar/zstd_decompressor.h"

namespace veneer {

namespace {

// The longest header of a frame (RFC 8878, 3.1.1.1: magic number, descriptor, window, dictionary,
// size).
constexpr size_t kMaxHeader = 18;

// One larger than the default of the highest usual level (zstd -19) is in memory once at a time,
// however many streams are read.
constexpr uint64_t kSmallWindow = uint64_t{8} << 20;
Mutex g_large_window;

// The length of a frame's header, as far as what is there of it tells.
size_t HeaderSize(std::string_view header) {
  constexpr size_t kDescriptorEnd = 5;
  if (header.size() < kDescriptorEnd) return kMaxHeader;
  const auto descriptor = static_cast<uint8_t>(header[4]);
  constexpr size_t kDictionary[] = {0, 1, 2, 4};
  const bool single = (descriptor & 0x20) != 0;
  const unsigned size_flag = descriptor >> 6;
  const size_t size = size_flag == 0 ? (single ? 1 : 0) : size_t{1} << size_flag;
  return kDescriptorEnd + (single ? 0 : 1) + kDictionary[descriptor & 3] + size;
}

// What the header of a frame says of its window; 0: it cannot be told.
uint64_t WindowOf(std::string_view header) {
  const auto byte = [&](size_t at) -> uint64_t {
    return at < header.size() ? static_cast<uint8_t>(header[at]) : 0;
  };
  const uint64_t descriptor = byte(4);
  if ((descriptor & 0x20) == 0) {
    const uint64_t base = uint64_t{1} << (10 + (byte(5) >> 3));
    return base + base / 8 * (byte(5) & 7);
  }
  // A single segment: its window is its size, which stands behind the dictionary's number.
  constexpr size_t kDictionary[] = {0, 1, 2, 4};
  const size_t at = 5 + kDictionary[descriptor & 3];
  const size_t width = size_t{1} << (descriptor >> 6);
  uint64_t size = 0;
  for (size_t i = width; i-- > 0;) size = size << 8 | byte(at + i);
  return size;
}

tl::unexpected<Error> Failed(size_t code, std::string_view header) {
  if (ZSTD_getErrorCode(code) != ZSTD_error_frameParameter_windowTooLarge) {
    return MakeError(std::string("damaged compressed data: ") + ZSTD_getErrorName(code));
  }
  return MakeError("compressed with a zstd window of " + std::to_string(WindowOf(header) >> 20) +
                   " MiB; at most " + std::to_string((uint64_t{1} << kZstdMaxWindowLog) >> 20) +
                   " MiB are read: compress it with a smaller one (zstd --long=" +
                   std::to_string(kZstdMaxWindowLog) + ")");
}

}  // namespace

Result<void> ReadZstd(FunctionRef<Result<std::string_view>()> read,
                      FunctionRef<Result<void>(std::string_view bytes)> sink) {
  std::optional<MutexLock> large;  // before the context, whose memory goes first
  const ZstdDecompressor context(ZSTD_createDCtx());
  if (context == nullptr) return MakeError(Errno{ENOMEM}, "decompress");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdMaxWindowLog);
  std::string output(ZSTD_DStreamOutSize(), '\0');
  std::string header;     // the first bytes of the present frame
  bool in_frame = false;  // within one, so the stream may not end here
  for (;;) {
    VENEER_TRY(const std::string_view bytes, read());
    if (bytes.empty()) break;
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    // The output may have more to give when the input is all taken.
    for (bool more = true; more;) {
      if (!in_frame) header.clear();
      const size_t missing = kMaxHeader - header.size();
      header += bytes.substr(in.pos, std::min(missing, in.size - in.pos));
      // Before the library has the whole header, and takes the memory. It keeps that to the end.
      if (!large && header.size() >= HeaderSize(header) && WindowOf(header) > kSmallWindow) {
        large.emplace(g_large_window);
      }
      ZSTD_outBuffer out{output.data(), output.size(), 0};
      const size_t left = ZSTD_decompressStream(context.get(), &out, &in);
      if (ZSTD_isError(left) != 0) return Failed(left, header);
      if (out.pos > 0) VENEER_TRY_VOID(sink({output.data(), out.pos}));
      in_frame = left != 0;
      more = in.pos < in.size || (in_frame && out.pos == out.size);
    }
  }
  if (in_frame) return MakeError("damaged compressed data: cut short");
  return {};
}

}  // namespace veneer
