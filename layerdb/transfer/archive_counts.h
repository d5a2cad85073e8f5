// SPDX-License-Identifier: Apache-2.0
//
// What the archive of a layer holds, entry by entry: as many as `tar -t` lists of it. The index of
// the layer is something else: it knows directories that are only implied and sockets, and each
// name once.
#ifndef VENEER_LAYERDB_TRANSFER_ARCHIVE_COUNTS_H_
#define VENEER_LAYERDB_TRANSFER_ARCHIVE_COUNTS_H_

#include <cstdint>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"

namespace veneer {

struct ArchiveCounts {
  uint64_t entries = 0;  // all of them; the others are counted among these
  uint64_t files = 0;    // regular ones
  uint64_t directories = 0;
  uint64_t whiteouts = 0;
  uint64_t opaques = 0;  // marks
};

// Reads the tar-split of the layer, and no contents. Errors: no such layer (kNotFound); a damaged
// tar-split.
Result<ArchiveCounts> CountArchive(const Store& store, const Digest& diff_id);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_ARCHIVE_COUNTS_H_
