// SPDX-License-Identifier: Apache-2.0
//
// One zstd frame at a time, streamed into a file and out of it. Not thread-safe.
#ifndef VENEER_LAYERDB_TAR_ZSTD_FRAME_H_
#define VENEER_LAYERDB_TAR_ZSTD_FRAME_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

class ZstdFrameWriter {
 public:
  // Frames go to `fd`, which is borrowed, at offset `at` and on.
  ZstdFrameWriter(int fd, uint64_t at);
  ~ZstdFrameWriter();

  Result<void> Write(std::string_view bytes);
  // Ends the frame; the next Write() begins another one.
  Result<void> EndFrame();
  // Where the next byte of the file goes.
  uint64_t offset() const { return at_; }

 private:
  struct Free {
    void operator()(void* context) const;
  };
  Result<void> Compress(std::string_view bytes, bool end);

  const int fd_;
  uint64_t at_;
  std::unique_ptr<void, Free> context_;
  std::string out_;
};

// Reads the frame at `at`. `sink` gets its bytes and may stop it with an error. Errors: damaged,
// cut short; from the system.
Result<void> ReadZstdFrame(int fd, uint64_t at,
                           FunctionRef<Result<void>(std::string_view bytes)> sink);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_ZSTD_FRAME_H_
