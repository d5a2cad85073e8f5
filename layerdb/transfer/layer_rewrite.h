// SPDX-License-Identifier: Apache-2.0
//
// The archive of a layer as this project writes archives, made from its index: the same tree, in a form
// that every reader of image layers takes. Archives hold what some of them refuse: entries that only GNU
// tar knows, and one name several times.
#ifndef VENEER_LAYERDB_TRANSFER_LAYER_REWRITE_H_
#define VENEER_LAYERDB_TRANSFER_LAYER_REWRITE_H_

#include "layerdb/base/result.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/tar/block.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/layer_tar.h"

namespace veneer {

// Writes it, whiteouts and opaque marks included. Directories that no entry describes stay so.
Result<void> RewriteLayer(const IndexedLayer& layer, const Cancellation* cancel, TarSink sink);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_LAYER_REWRITE_H_
