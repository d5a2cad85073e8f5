// SPDX-License-Identifier: Apache-2.0
//
// LayerSink: entries become a layer of the store: its tree, its contents, and the archive that it
// is for others, of which only the digest and the tar-split are kept.
#ifndef VENEER_LAYERDB_TRANSFER_LAYER_SINK_H_
#define VENEER_LAYERDB_TRANSFER_LAYER_SINK_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/tar/tree_builder.h"
#include "layerdb/transfer/entry_source.h"
#include "layerdb/transfer/layer_assembler.h"
#include "layerdb/transfer/layer_pipeline.h"
#include "layerdb/transfer/reading_progress.h"
#include "layerdb/transfer/tar_stream.h"

namespace veneer {

// The archive that a layer was made from, or is for others.
struct LayerArchive {
  Digest diff_id;
  uint64_t bytes = 0;
  bool empty = false;  // no entry is in it
};

class LayerSink final : public EntrySink {
 public:
  // All outlive it. Throws std::system_error when there is no thread to be had.
  LayerSink(Store& store, StoreWriter& store_writer, LayerAssembler& layer,
            ReadingProgress& progress);

  // Errors: a name that is reserved in image layers (`.wh.x`).
  Result<void> Add(const SourceEntry& entry, OpenContent open_content) override;
  Result<void> Whiteout(std::string_view path) override;
  Result<void> Opaque(std::string_view path) override;
  // Waits until all is hashed and stored. Call once; LayerAssembler::Finish() is the caller's.
  Result<LayerArchive> Finish();

 private:
  Result<void> AddFile(const SourceEntry& entry, OpenContent open_content, const TreePath& path);
  Result<void> Mark(const std::string& path);

  LayerAssembler& layer_;
  ReadingProgress& progress_;
  LayerPipeline pipeline_;
  TarHeaders headers_;
  bool empty_ = true;
};

// Takes all of `source` into `layer`: everything but LayerAssembler::Finish(). That a thread cannot
// be made is an error.
Result<LayerArchive> TakeIntoLayer(Store& store, StoreWriter& store_writer, LayerAssembler& layer,
                                   EntrySource& source, ReadingProgress& progress);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_LAYER_SINK_H_
