// SPDX-License-Identifier: Apache-2.0
//
// Reading an archive without its compression: gzip (gzip_stream.h), zstd (zstd_stream.h), and with
// libarchive's filters, which are used only here, bzip2, xz, lzma, lz4, lzip and compress. It is
// told by the first bytes, never by the name of a file. No external program is run.
#ifndef VENEER_LAYERDB_TAR_STREAM_READER_H_
#define VENEER_LAYERDB_TAR_STREAM_READER_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/tar/block.h"
#include "layerdb/threads/cancellation.h"

namespace veneer {

// Gives the uncompressed bytes of what `fd` holds from its offset to its end to `sink`. At most
// `limit` bytes are read from `fd`. `progress` is told how many of its bytes were read; an error of
// it ends the reading. `cancel` (may be null) ends it too, also while it waits for a pipe:
// ECANCELED. Errors: the stream is truncated or damaged; the first error of `sink`.
Result<void> ReadUncompressed(int fd, std::optional<uint64_t> limit, const Cancellation* cancel,
                              FunctionRef<Result<void>(uint64_t read_so_far)> progress,
                              TarSink sink);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_STREAM_READER_H_
