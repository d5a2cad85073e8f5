// SPDX-License-Identifier: Apache-2.0
//
// The stages of an import, each in its own thread, with bounded queues between them:
//
//   producer ──chunks──┬── SHA-256 ─────────────────────── diff id
//   (reads, unpacks)   └── parser (the caller's thread) ── contents ── ContentWriters
//
// A chunk is shared by its readers and freed by the last; contents are stored right from it.
#ifndef VENEER_LAYERDB_TRANSFER_IMPORT_PIPELINE_H_
#define VENEER_LAYERDB_TRANSFER_IMPORT_PIPELINE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/tar/block.h"
#include "layerdb/transfer/layer_assembler.h"
#include "layerdb/transfer/layer_sink.h"

namespace veneer {

struct ParsedArchive {
  LayerArchive archive;
  // Why other readers of image layers refuse the archive; empty: they do not.
  std::string peculiarity;
};

// Runs `produce`, which gives the uncompressed archive to the sink, in a thread of its own, and
// takes the archive into `layer` (everything but LayerAssembler::Finish()). The first thing that
// went wrong is the error; that a thread cannot be made is one. `may_be_nothing`: an archive of no
// bytes is an empty layer.
Result<ParsedArchive> RunImport(StoreWriter& store_writer, LayerAssembler& layer,
                                bool may_be_nothing,
                                const std::function<Result<void>(TarSink sink)>& produce);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_IMPORT_PIPELINE_H_
