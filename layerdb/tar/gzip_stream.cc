// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/gzip_stream.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace veneer {

namespace {

constexpr size_t kOutput = size_t{256} << 10;

// RFC 1952, 2.3 and 2.3.1.
constexpr uint8_t kDeflate = 8;
constexpr uint8_t kHeaderCrc = 0x02;
constexpr uint8_t kExtra = 0x04;
constexpr uint8_t kFileName = 0x08;
constexpr uint8_t kComment = 0x10;
constexpr uint8_t kReserved = 0xe0;
constexpr size_t kTimeFlagsSystem = 6;

tl::unexpected<Error> Damaged(const std::string& why) {
  return MakeError("damaged compressed data: " + why);
}

class GzipReader {
 public:
  GzipReader(Inflater& inflater, FunctionRef<Result<std::string_view>()> read)
      : inflater_(inflater), read_(read) {}

  // Takes the magic number of a member; false: something else, or the end, is there.
  Result<bool> TakeMagic() {
    for (const char expected : kGzipMagic) {
      VENEER_TRY_VOID(Fetch());
      if (input_.empty() || input_.front() != expected) return false;
      input_.remove_prefix(1);
    }
    crc_ = inflater_.Crc(0, kGzipMagic);
    return true;
  }

  // The header behind the magic number. No field is kept, however long it is.
  Result<void> ReadHeader() {
    VENEER_TRY(const uint64_t method, Number(1));
    if (method != kDeflate) return Damaged("gzip with an unknown method of compression");
    VENEER_TRY(const uint64_t flags, Number(1));
    if ((flags & kReserved) != 0) return Damaged("gzip with unknown flags");
    VENEER_TRY_VOID(Skip(kTimeFlagsSystem));
    if ((flags & kExtra) != 0) {
      VENEER_TRY(const uint64_t size, Number(2));
      VENEER_TRY_VOID(Skip(size));
    }
    if ((flags & kFileName) != 0) VENEER_TRY_VOID(SkipText());
    if ((flags & kComment) != 0) VENEER_TRY_VOID(SkipText());
    if ((flags & kHeaderCrc) == 0) return {};
    const uint64_t expected = crc_ & 0xffff;
    VENEER_TRY(const uint64_t stored, Number(2));
    return stored == expected ? Result<void>() : Damaged("the checksum of a gzip header differs");
  }

  Result<void> ReadContents(std::span<char> out, FunctionRef<Result<void>(std::string_view)> sink) {
    inflater_.Reset();
    uint32_t crc = 0;
    uint32_t size = 0;  // modulo 2^32, as it is stored
    bool hungry = true;
    for (bool ended = false; !ended;) {
      if (hungry) VENEER_TRY_VOID(FetchSome());
      VENEER_TRY(const Inflated step, inflater_.Inflate(input_, out));
      const size_t used = chunk_.size() - input_.size() + step.taken;
      if (step.unread > used) return DamagedDeflate();
      input_ = chunk_.substr(used - step.unread);
      ended = step.ended;
      hungry = step.given < out.size();
      // Neither input nor room is missing.
      if (!ended && hungry && !input_.empty()) return DamagedDeflate();
      const std::string_view bytes(out.data(), step.given);
      if (bytes.empty()) continue;
      crc = inflater_.Crc(crc, bytes);
      size += static_cast<uint32_t>(bytes.size());
      VENEER_TRY_VOID(sink(bytes));
    }
    VENEER_TRY(const uint64_t stored_crc, Number(4));
    VENEER_TRY(const uint64_t stored_size, Number(4));
    if (stored_crc != crc) return Damaged("the checksum of gzip differs");
    if (stored_size != size) return Damaged("the length of gzip differs");
    return {};
  }

 private:
  // Afterwards there is input, but at the end.
  Result<void> Fetch() {
    if (!input_.empty() || ended_) return {};
    VENEER_TRY(chunk_, read_());
    input_ = chunk_;
    ended_ = input_.empty();
    return {};
  }

  // The same within a member, where the end is an error.
  Result<void> FetchSome() {
    VENEER_TRY_VOID(Fetch());
    return input_.empty() ? Damaged("cut short") : Result<void>();
  }

  // Takes bytes of the input into the checksum of the header.
  void Take(size_t size) {
    crc_ = inflater_.Crc(crc_, input_.substr(0, size));
    input_.remove_prefix(size);
  }

  Result<void> Skip(uint64_t size) {
    while (size > 0) {
      VENEER_TRY_VOID(FetchSome());
      const size_t part = std::min<uint64_t>(size, input_.size());
      Take(part);
      size -= part;
    }
    return {};
  }

  // A text and the NUL behind it.
  Result<void> SkipText() {
    for (;;) {
      VENEER_TRY_VOID(FetchSome());
      const size_t end = input_.find('\0');
      Take(end == std::string_view::npos ? input_.size() : end + 1);
      if (end != std::string_view::npos) return {};
    }
  }

  // Little-endian.
  Result<uint64_t> Number(size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) {
      VENEER_TRY_VOID(FetchSome());
      value |= uint64_t{static_cast<uint8_t>(input_.front())} << (8 * i);
      Take(1);
    }
    return value;
  }

  Inflater& inflater_;
  FunctionRef<Result<std::string_view>()> read_;
  std::string_view chunk_;  // read last
  std::string_view input_;  // its end, not taken yet
  bool ended_ = false;
  uint32_t crc_ = 0;  // of the present header
};

}  // namespace

Result<void> ReadGzip(Inflater& inflater, FunctionRef<Result<std::string_view>()> read,
                      FunctionRef<Result<void>(std::string_view bytes)> sink) {
  const auto output = std::make_unique_for_overwrite<char[]>(kOutput);
  GzipReader reader(inflater, read);
  for (bool first = true;; first = false) {
    VENEER_TRY(const bool member, reader.TakeMagic());
    if (!member) return first ? Damaged("not of gzip") : Result<void>();
    VENEER_TRY_VOID(reader.ReadHeader());
    VENEER_TRY_VOID(reader.ReadContents({output.get(), kOutput}, sink));
  }
}

}  // namespace veneer
