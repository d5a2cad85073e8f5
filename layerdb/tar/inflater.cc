// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/inflater.h"

#include <zlib.h>

#include <new>
#include <utility>

namespace veneer {

namespace {

class ZlibInflater : public Inflater {
 public:
  ZlibInflater() {
    if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;
  ~ZlibInflater() override { ::inflateEnd(&stream_); }

  void Reset() override { ::inflateReset(&stream_); }

  Result<Inflated> Inflate(std::string_view in, std::span<char> out) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int done = ::inflate(&stream_, Z_NO_FLUSH);
    // Z_BUF_ERROR: there was nothing to do.
    if (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR) return DamagedDeflate();
    return Inflated{in.size() - stream_.avail_in, out.size() - stream_.avail_out,
                    done == Z_STREAM_END, 0};
  }

  uint32_t Crc(uint32_t crc, std::string_view bytes) const override {
    return static_cast<uint32_t>(
        ::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  }

 private:
  z_stream stream_{};
};

}  // namespace

std::unique_ptr<Inflater> Inflater::Create() {
  std::unique_ptr<Inflater> isal = CreateIsalInflater();
  return isal != nullptr ? std::move(isal) : CreateZlibInflater();
}

std::unique_ptr<Inflater> CreateZlibInflater() { return std::make_unique<ZlibInflater>(); }

tl::unexpected<Error> DamagedDeflate() {
  return MakeError("damaged compressed data: invalid deflate data");
}

}  // namespace veneer
