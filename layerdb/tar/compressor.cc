// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/compressor.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <future>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "layerdb/base/parse.h"

namespace veneer {

namespace {

constexpr int kBestZstdLevel = 19;  // above, readers need more memory than some of them take
// A block is compressed by one thread; it knows the 32 KiB in front of it, so that little is lost.
constexpr size_t kGzipBlock = size_t{512} << 10;
constexpr size_t kWindow = size_t{32} << 10;

constexpr int kZstdJob = 4 << 20;

size_t Threads() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 16); }

class NoCompressor : public Compressor {
 public:
  Result<void> Write(std::string_view bytes, Sink sink) override { return sink(bytes); }
  Result<void> Finish(Sink /*sink*/) override { return {}; }
};

// Blocks of deflate (RFC 1951) that end on a byte boundary and follow each other in one stream of
// gzip (RFC 1952).
class GzipCompressor : public Compressor {
 public:
  Result<void> Write(std::string_view bytes, Sink sink) override {
    while (!bytes.empty()) {
      if (block_.capacity() < kGzipBlock) block_.reserve(kGzipBlock);
      const size_t size = std::min(kGzipBlock - block_.size(), bytes.size());
      block_.append(bytes.substr(0, size));
      bytes.remove_prefix(size);
      if (block_.size() == kGzipBlock) VENEER_TRY_VOID(Start(false, sink));
    }
    return {};
  }

  Result<void> Finish(Sink sink) override {
    VENEER_TRY_VOID(Start(true, sink));
    while (!running_.empty()) VENEER_TRY_VOID(Collect(sink));
    std::array<char, 8> trailer;
    for (size_t i = 0; i < 4; ++i) {
      trailer[i] = static_cast<char>(crc_ >> (8 * i));
      trailer[4 + i] = static_cast<char>(size_ >> (8 * i));
    }
    return sink({trailer.data(), trailer.size()});
  }

 private:
  struct Block {
    std::string deflated;
    uLong crc = 0;
    size_t size = 0;
  };

  static Block Deflate(const std::string& before, const std::string& block, bool last) {
    Block out;
    out.size = block.size();
    out.crc = ::crc32(0, Bytes(block), static_cast<uInt>(block.size()));
    z_stream stream{};
    if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
    if (!before.empty()) {
      ::deflateSetDictionary(&stream, Bytes(before), static_cast<uInt>(before.size()));
    }
    out.deflated.resize(::deflateBound(&stream, static_cast<uLong>(block.size())) + 16);
    stream.next_in = const_cast<Bytef*>(Bytes(block));
    stream.avail_in = static_cast<uInt>(block.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.deflated.data());
    stream.avail_out = static_cast<uInt>(out.deflated.size());
    const int done = ::deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH);
    const bool whole =
        stream.avail_in == 0 && stream.avail_out > 0 && done == (last ? Z_STREAM_END : Z_OK);
    out.deflated.resize(stream.total_out);
    ::deflateEnd(&stream);
    if (!whole) throw std::bad_alloc();  // the bound was none
    return out;
  }

  static const Bytef* Bytes(const std::string& text) {
    return reinterpret_cast<const Bytef*>(text.data());
  }

  Result<void> Start(bool last, Sink sink) {
    std::string next(block_.size() > kWindow ? block_.substr(block_.size() - kWindow) : block_);
    // Shared, since an attempt to start a thread takes it along.
    const auto input = std::make_shared<std::pair<std::string, std::string>>(
        std::exchange(window_, std::move(next)), std::exchange(block_, {}));
    const auto deflate = [input, last] { return Deflate(input->first, input->second, last); };
    try {
      running_.push_back(std::async(std::launch::async, deflate));
    } catch (const std::system_error&) {
      // No more threads are to be had: Collect() does it.
      running_.push_back(std::async(std::launch::deferred, deflate));
    }
    if (running_.size() > Threads()) return Collect(sink);
    return {};
  }

  Result<void> Collect(Sink sink) {
    std::future<Block> first = std::move(running_.front());
    running_.pop_front();
    const Block block = first.get();
    if (!begun_) {
      // No name, no time, no flags; the system is "unknown".
      constexpr std::string_view kHeader("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
      begun_ = true;
      VENEER_TRY_VOID(sink(kHeader));
    }
    crc_ = ::crc32_combine(crc_, block.crc, static_cast<z_off_t>(block.size));
    size_ += block.size;
    return sink(block.deflated);
  }

  std::string window_;
  std::string block_;
  std::deque<std::future<Block>> running_;
  bool begun_ = false;
  uLong crc_ = 0;
  uint64_t size_ = 0;
};

class ZstdCompressor : public Compressor {
 public:
  explicit ZstdCompressor(int level)
      : context_(ZSTD_createCCtx()), out_(ZSTD_CStreamOutSize(), '\0') {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel,
                           level == 0 ? ZSTD_CLEVEL_DEFAULT : level);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    // One worker and many give the same bytes, but none gives others.
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, static_cast<int>(Threads()));
    // Whoever is interrupted must wait for the piece each of them is at.
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_jobSize, kZstdJob);
  }

  Result<void> Write(std::string_view bytes, Sink sink) override {
    return Run(bytes, ZSTD_e_continue, sink);
  }
  Result<void> Finish(Sink sink) override { return Run({}, ZSTD_e_end, sink); }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };

  Result<void> Run(std::string_view bytes, ZSTD_EndDirective mode, Sink sink) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      const size_t left = ZSTD_compressStream2(context_.get(), &out, &in, mode);
      if (ZSTD_isError(left) != 0) {
        return MakeError(std::string("compress: ") + ZSTD_getErrorName(left));
      }
      if (out.pos > 0) VENEER_TRY_VOID(sink({out_.data(), out.pos}));
      if (mode == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
    }
  }

  const std::unique_ptr<ZSTD_CCtx, Free> context_;
  std::string out_;
};

}  // namespace

Result<Compression> ParseCompression(std::string_view text) {
  if (text == "none") return Compression{};
  if (text == "gzip") return Compression{CompressionKind::kGzip, 0};
  if (text == "zstd") return Compression{CompressionKind::kZstd, 0};
  constexpr std::string_view kZstd = "zstd:";
  if (text.starts_with(kZstd)) {
    const auto level = ParseNumber<int>(text.substr(kZstd.size()));
    if (level && *level >= 1 && *level <= kBestZstdLevel) {
      return Compression{CompressionKind::kZstd, *level};
    }
  }
  return MakeError("\"" + std::string(text) +
                       "\" is no compression: none, gzip, zstd or zstd:LEVEL, LEVEL from 1 to " +
                       std::to_string(kBestZstdLevel),
                   ExitCode::kUsage);
}

std::unique_ptr<Compressor> Compressor::Create(const Compression& compression) {
  switch (compression.kind) {
    case CompressionKind::kGzip: return std::make_unique<GzipCompressor>();
    case CompressionKind::kZstd: return std::make_unique<ZstdCompressor>(compression.level);
    case CompressionKind::kNone: break;
  }
  return std::make_unique<NoCompressor>();
}

}  // namespace veneer
