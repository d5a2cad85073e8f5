// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/stream_reader.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/zeros.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/filtered_stream.h"
#include "layerdb/tar/gzip_stream.h"
#include "layerdb/tar/inflater.h"
#include "layerdb/tar/zstd_stream.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{256} << 10;

// A frame of zstd, or one that is skipped (RFC 8878, 3.1.1 and 3.1.2).
bool IsZstd(std::string_view start) {
  if (start.size() < 4) return false;
  const auto first = static_cast<uint8_t>(start[0]);
  return start.starts_with("\x28\xb5\x2f\xfd") ||
         (first >= 0x50 && first <= 0x5f && start.substr(1, 3) == "\x2a\x4d\x18");
}

// The compressed side: a descriptor, its limit, and who wants to know how far it is.
class Source {
 public:
  Source(int fd, std::optional<uint64_t> limit, const Cancellation* cancel,
         FunctionRef<Result<void>(uint64_t)> progress)
      : fd_(fd), limit_(limit), cancel_(cancel), progress_(progress), buffer_(kReadSize) {}

  // The next bytes; empty at the end. Valid until the next call.
  Result<std::string_view> Read() {
    if (held_ > 0) {
      const size_t size = std::exchange(held_, 0);
      return std::string_view(buffer_.data(), size);
    }
    size_t want = buffer_.size();
    if (limit_) want = static_cast<size_t>(std::min<uint64_t>(want, *limit_ - done_));
    VENEER_TRY(const size_t size, Fill(0, want));
    VENEER_TRY_VOID(progress_(done_));
    return std::string_view(buffer_.data(), size);
  }

  // The first bytes, at least `size` of them where there are so many; Read() gives them again.
  Result<std::string_view> Peek(size_t size) {
    while (held_ < size) {
      size_t want = buffer_.size() - held_;
      if (limit_) want = static_cast<size_t>(std::min<uint64_t>(want, *limit_ - done_));
      VENEER_TRY(const size_t more, Fill(held_, want));
      if (more == 0) break;
      held_ += more;
    }
    return std::string_view(buffer_.data(), held_);
  }

 private:
  Result<size_t> Fill(size_t at, size_t want) {
    if (want == 0) return 0;
    ssize_t size = 0;
    do {
      VENEER_TRY_VOID(Cancellation::Check(cancel_));
      VENEER_TRY_CTX_VOID(Cancellation::WaitForInput(cancel_, fd_), "read");
      size = ::read(fd_, buffer_.data() + at, want);
    } while (size < 0 && errno == EINTR);
    if (size < 0) return MakeError(Errno{errno}, "read");
    done_ += static_cast<uint64_t>(size);
    return static_cast<size_t>(size);
  }

  const int fd_;
  const std::optional<uint64_t> limit_;
  const Cancellation* const cancel_;
  FunctionRef<Result<void>(uint64_t)> progress_;
  std::vector<char> buffer_;
  size_t held_ = 0;
  uint64_t done_ = 0;
};

}  // namespace

Result<void> ReadUncompressed(int fd, std::optional<uint64_t> limit, const Cancellation* cancel,
                              FunctionRef<Result<void>(uint64_t read_so_far)> progress,
                              TarSink sink) {
  Source source(fd, limit, cancel, progress);
  VENEER_TRY(const std::string_view start, source.Peek(kTarBlock));
  // A plain archive is told by its first header, so no filter is asked whether it likes the name of
  // its first entry.
  const bool plain =
      start.empty() || (start.size() >= kTarBlock && (IsZero(start.substr(0, kTarBlock)) ||
                                                      HasTarChecksum(start.substr(0, kTarBlock))));
  if (!plain) {
    const auto read = [&] { return source.Read(); };
    if (IsZstd(start)) return ReadZstd(read, sink);
    if (start.starts_with(kGzipMagic)) return ReadGzip(*Inflater::Create(), read, sink);
    return ReadFiltered(read, sink);
  }
  for (;;) {
    VENEER_TRY(const std::string_view bytes, source.Read());
    if (bytes.empty()) return {};
    VENEER_TRY_VOID(sink(bytes));
  }
}

}  // namespace veneer
