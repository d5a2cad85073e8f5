// SPDX-License-Identifier: Apache-2.0
//
// The tar archive of a directory: sorted, written as tar/writer writes, so that the same tree
// gives the same bytes. The tree is walked by descriptors and no symlink is followed; a file that
// changes meanwhile is archived with the size it had first.
#ifndef VENEER_LAYERDB_TRANSFER_DIRECTORY_ARCHIVE_H_
#define VENEER_LAYERDB_TRANSFER_DIRECTORY_ARCHIVE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"
#include "layerdb/tar/block.h"
#include "layerdb/transfer/layer_tar.h"

namespace veneer {

// No tar can hold a socket.
struct ArchivedSocket {
  std::string path;
  Attr attr;
  XattrList xattrs;
};

// Gives the archive of the directory `fd` (open for reading; borrowed) to `sink`. `epoch`: later
// times are clamped to it. Sockets go to `*sockets`. What no image layer can hold (IsReservedInLayers) is left out, with a
// warning in the log.
Result<void> ArchiveDirectory(int fd, std::optional<int64_t> epoch, TarSink sink,
                              std::vector<ArchivedSocket>* sockets);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_DIRECTORY_ARCHIVE_H_
