// SPDX-License-Identifier: Apache-2.0
//
// Decompressing a stream of zstd. libarchive's filter stops at the library's default window, 128
// MiB; the tools that read image layers take four times that, and `zstd --long=28` and above makes
// such.
#ifndef VENEER_LAYERDB_TAR_ZSTD_STREAM_H_
#define VENEER_LAYERDB_TAR_ZSTD_STREAM_H_

#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

// The largest window that is read, which is also the memory it may take: 512 MiB, as in the decoder
// of the containers tools.
inline constexpr int kZstdMaxWindowLog = 29;

// Reads frames, one behind the other, from what `read` gives (empty at the end) and gives their
// contents to `sink`. Errors: damaged or cut short; a larger window, with its size; those of `read`
// and `sink`.
Result<void> ReadZstd(FunctionRef<Result<std::string_view>()> read,
                      FunctionRef<Result<void>(std::string_view bytes)> sink);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_ZSTD_STREAM_H_
