// SPDX-License-Identifier: Apache-2.0
//
// The tar archive of a layer, written again byte for byte from its tar-split and the contents in
// the store: its SHA-256 is the layer's diff id. Thread-safe.
#ifndef VENEER_LAYERDB_TRANSFER_LAYER_TAR_H_
#define VENEER_LAYERDB_TRANSFER_LAYER_TAR_H_

#include <cstdint>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/block.h"

namespace veneer {

// Gives the whole archive to `sink`. Returns its size. kNotFound: no such layer. A tar-split or
// content that is damaged is an Error that names it and says `veneer fsck`, as far as it is seen
// without the digest, which is not checked (WriteCheckedLayerTar() and VerifyLayer() do).
Result<uint64_t> WriteLayerTar(const Store& store, const Digest& diff_id, TarSink sink);

// The size that WriteLayerTar() will write, without writing it.
Result<uint64_t> LayerTarSize(const Store& store, const Digest& diff_id);

// Writes the archive into nothing and compares its SHA-256 with the diff id; the error says which
// layer is damaged.
Result<void> VerifyLayer(const Store& store, const Digest& diff_id);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_LAYER_TAR_H_
