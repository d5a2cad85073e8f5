// SPDX-License-Identifier: Apache-2.0
//
// The archive of a layer for somebody else's eyes: in large pieces, and checked against its diff id
// on the way, in another thread, since whoever gets it will compare the digest and refuse it.
// Thread-safe.
#ifndef VENEER_LAYERDB_TRANSFER_CHECKED_LAYER_TAR_H_
#define VENEER_LAYERDB_TRANSFER_CHECKED_LAYER_TAR_H_

#include <cstdint>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/block.h"
#include "layerdb/transfer/layer_tar.h"

namespace veneer {

// Gives the whole archive to `sink` in pieces of 1 MiB (the last one is smaller). Returns its size,
// which is that of LayerTarSize(). Errors: those of WriteLayerTar(); an archive of another size or
// digest, which says `veneer fsck`. By then the sink has been given bytes, all of them in the last
// case: what it made of them must not be used.
Result<uint64_t> WriteCheckedLayerTar(const Store& store, const Digest& diff_id, TarSink sink);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_CHECKED_LAYER_TAR_H_
