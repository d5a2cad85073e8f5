// SPDX-License-Identifier: Apache-2.0
//
// The owner of a decompressing context of libzstd.
#ifndef VENEER_LAYERDB_TAR_ZSTD_DECOMPRESSOR_H_
#define VENEER_LAYERDB_TAR_ZSTD_DECOMPRESSOR_H_

#include <zstd.h>

#include <memory>

namespace veneer {

struct FreeZstdDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
using ZstdDecompressor = std::unique_ptr<ZSTD_DCtx, FreeZstdDecompressor>;

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_ZSTD_DECOMPRESSOR_H_
