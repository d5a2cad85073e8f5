// SPDX-License-Identifier: Apache-2.0
//
// Import: one tar archive (compressed or not), directory or stream becomes one layer of the store.
// The stages run beside one another: reading and decompressing, SHA-256 of the uncompressed stream
// to its last byte (the diff id), parsing, hashing and writing of contents.
//
// Everything goes through the caller's StoreWriter, so nothing shows before the end, and a process
// killed at any moment leaves only what prune removes. Archives are not trusted: whatever names
// they hold, nothing outside the store is touched.
#ifndef VENEER_LAYERDB_TRANSFER_IMPORT_H_
#define VENEER_LAYERDB_TRANSFER_IMPORT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/index/seal.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/reading_progress.h"

namespace veneer {

struct ImportOptions {
  ProgressFunction progress;
  // Asked, the import ends with an error of code ECANCELED, at once if it waits for its source.
  const Cancellation* cancel = nullptr;
  // When given, an archive with another diff id is refused (a layer that a manifest or config
  // describes); when that layer is in the store already, nothing is read.
  std::optional<Digest> expected_diff_id;
  // False: the layer is made but does not show; the caller gives ImportedLayer::staged to
  // StoreWriter::PublishLayer(), when all else that must succeed has.
  bool publish = true;
  // False: an archive that other readers of image layers refuse (entries that only GNU tar knows, a
  // name several times) becomes a layer of the same tree that all read, with a diff id of its own.
  // True: the bytes stay as they are. What a digest vouches for always stays.
  bool exact = true;
  // Bounds against archives made to exhaust memory or disk.
  uint64_t max_entries = 20'000'000;
  // Directory only: SOURCE_DATE_EPOCH; times after it are clamped to it.
  std::optional<int64_t> source_date_epoch;
};

struct ImportedLayer {
  Digest diff_id;
  uint64_t tar_bytes = 0;      // of the uncompressed archive
  uint64_t content_bytes = 0;  // IndexReader::CountBytes()
  bool existed = false;        // the layer was in the store already
  IndexSummary summary;
  std::string staged = {};  // not published yet; empty: there is nothing to publish
  // Why the archive was written anew; empty: its bytes are the layer.
  std::string rewritten = {};
};

// A layer that is in the store and sound, so that nothing need be read; nullopt where it is not.
// One that has lost how its archive is written is marked as damaged.
Result<std::optional<ImportedLayer>> ExistingLayer(Store& store, StoreWriter& store_writer,
                                                   const Digest& diff_id);

// `source`: the path of an archive or of a directory, or "-" for standard input. Archives are tar,
// plain or compressed with gzip, bzip2, xz, lzma, zstd, lz4, lzip or compress.
//
// An archive is read as an image layer, as `docker import` reads it: ".wh.NAME" is a whiteout and
// ".wh..wh..opq" makes its directory opaque. A directory gives the layer that an archive of it
// would give, and its diff id is that of the archive WriteLayerTar() makes of it; sockets, which no
// tar can hold, are in the layer all the same. A file that changes meanwhile is in the layer as it
// was read.
//
// Errors are one line that begins with the source's name: truncated or damaged archives, names that
// cannot be (`.wh..`, components over 255 bytes), hard links to nothing, ENOSPC.
Result<ImportedLayer> ImportLayer(Store& store, StoreWriter& store_writer,
                                  const std::string& source, const ImportOptions& options);

// The same from a descriptor that is read to its end; it stays the caller's. `what` names it in
// errors. `size`: how many bytes there are to read, when known; never more than that is read.
Result<ImportedLayer> ImportLayerFrom(Store& store, StoreWriter& store_writer, int fd,
                                      const std::string& what, std::optional<uint64_t> size,
                                      const ImportOptions& options);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_IMPORT_H_
