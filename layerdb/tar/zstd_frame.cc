// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/zstd_frame.h"

#include <zstd.h>

#include <new>

#include "layerdb/base/sys.h"
#include "layerdb/tar/zstd_decompressor.h"

namespace veneer {

namespace {

// Headers compress well at any level; this one costs next to nothing beside SHA-256.
constexpr int kLevel = 3;
constexpr size_t kInputSize = size_t{64} << 10;

}  // namespace

void ZstdFrameWriter::Free::operator()(void* context) const {
  ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context));
}

ZstdFrameWriter::ZstdFrameWriter(int fd, uint64_t at)
    : fd_(fd), at_(at), context_(ZSTD_createCCtx()), out_(ZSTD_CStreamOutSize(), '\0') {
  auto* context = static_cast<ZSTD_CCtx*>(context_.get());
  if (context == nullptr) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
}

ZstdFrameWriter::~ZstdFrameWriter() = default;

Result<void> ZstdFrameWriter::Compress(std::string_view bytes, bool end) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    const size_t left = ZSTD_compressStream2(static_cast<ZSTD_CCtx*>(context_.get()), &out, &in,
                                             end ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0) {
      return MakeError(std::string("compress: ") + ZSTD_getErrorName(left));
    }
    VENEER_TRY_CTX_VOID(sys::WriteAt(fd_, {out_.data(), out.pos}, at_), "write the tar-split");
    at_ += out.pos;
    if (end ? left == 0 : in.pos == in.size) return {};
  }
}

Result<void> ZstdFrameWriter::Write(std::string_view bytes) { return Compress(bytes, false); }

Result<void> ZstdFrameWriter::EndFrame() { return Compress({}, true); }

Result<void> ReadZstdFrame(int fd, uint64_t at,
                           FunctionRef<Result<void>(std::string_view bytes)> sink) {
  const ZstdDecompressor context(ZSTD_createDCtx());
  if (context == nullptr) return MakeError(Errno{ENOMEM}, "decompress");
  std::string input(kInputSize, '\0');
  std::string output(ZSTD_DStreamOutSize(), '\0');
  for (;;) {
    VENEER_TRY_CTX(const size_t size, sys::ReadAt(fd, input.data(), input.size(), at), "read");
    if (size == 0) return MakeError("cut short");
    at += size;
    ZSTD_inBuffer in{input.data(), size, 0};
    // The output may have more to give when the input is all taken.
    for (bool more = true; more;) {
      ZSTD_outBuffer out{output.data(), output.size(), 0};
      const size_t left = ZSTD_decompressStream(context.get(), &out, &in);
      if (ZSTD_isError(left) != 0) return MakeError(ZSTD_getErrorName(left));
      if (out.pos > 0) VENEER_TRY_VOID(sink({output.data(), out.pos}));
      if (left == 0) return {};
      more = in.pos < in.size || out.pos == out.size;
    }
  }
}

}  // namespace veneer
