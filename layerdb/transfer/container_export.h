// SPDX-License-Identifier: Apache-2.0
//
// Export: the tree of a container, image and writable layer merged, as one tar archive, as `docker
// export` makes it. Nothing of layers shows: deleted names are not there, redirects and
// metadata-only copies are resolved, all names of a file are links to the first one. Sorted,
// without access times and user names, so that the same tree gives the same bytes.
#ifndef VENEER_LAYERDB_TRANSFER_CONTAINER_EXPORT_H_
#define VENEER_LAYERDB_TRANSFER_CONTAINER_EXPORT_H_

#include <cstdint>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/block.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/layer_tar.h"

namespace veneer {

// Gives the archive to `sink` in pieces of about 1 MiB; returns its size. A mounted container must
// have been synced before; what is written meanwhile is there or not, a file that changes has the
// size it had first. Sockets are left out: no archive can hold one. Errors: a content of the image
// that is damaged says `veneer fsck` (by then the sink has been given bytes, and what it made of
// them must not be used); ECANCELED; what the sink returned.
Result<uint64_t> ExportContainer(Store& store, const ContainerRecord& container,
                                 const Cancellation* cancel, TarSink sink);

// The same for any writable layer over any merged tree; see CommitUpper().
Result<uint64_t> ExportUpper(const std::string& upper, const std::string& work,
                             const std::string& tree, const std::string& objects,
                             const Cancellation* cancel, TarSink sink,
                             const UpperRecords& records = {});

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CONTAINER_EXPORT_H_
