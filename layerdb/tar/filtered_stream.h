// SPDX-License-Identifier: Apache-2.0
//
// The compressions that are rare in images: bzip2, xz, lzma, lz4, lzip and compress(1), which
// libarchive reads.
#ifndef VENEER_LAYERDB_TAR_FILTERED_STREAM_H_
#define VENEER_LAYERDB_TAR_FILTERED_STREAM_H_

#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

// Gives `sink` the uncompressed bytes of the stream that `read` returns piece by piece (an empty
// piece: its end). A stream that no filter knows is given as it is. Errors: those of `read` and
// `sink`, damaged compressed data, and libarchive that is not installed.
Result<void> ReadFiltered(FunctionRef<Result<std::string_view>()> read,
                          FunctionRef<Result<void>(std::string_view)> sink);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_FILTERED_STREAM_H_
