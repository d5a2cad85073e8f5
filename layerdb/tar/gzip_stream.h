// SPDX-License-Identifier: Apache-2.0
//
// Decompressing a stream of gzip (RFC 1952): headers, trailers and one member behind the other.
// Only the deflate data within are the Inflater's, so that all of them take and refuse the same.
#ifndef VENEER_LAYERDB_TAR_GZIP_STREAM_H_
#define VENEER_LAYERDB_TAR_GZIP_STREAM_H_

#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/tar/inflater.h"

namespace veneer {

inline constexpr std::string_view kGzipMagic = "\x1f\x8b";

// Reads members from what `read` gives (empty at the end) and gives their contents to `sink`. What
// follows a member and does not begin as one is left alone, as gzip does: tapes and some writers
// add zeros. Errors: damaged or cut short; checksums of headers and contents, and the length, are
// compared; those of `read` and `sink`.
Result<void> ReadGzip(Inflater& inflater, FunctionRef<Result<std::string_view>()> read,
                      FunctionRef<Result<void>(std::string_view bytes)> sink);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_GZIP_STREAM_H_
