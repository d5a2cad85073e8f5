// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/commit.h"

#include <memory>
#include <utility>

#include "layerdb/transfer/change_source.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/layer_assembler.h"
#include "layerdb/transfer/layer_sink.h"

namespace veneer {

Result<CommittedLayer> CommitUpper(Store& store, StoreWriter& store_writer,
                                   const std::string& upper, const std::string& work,
                                   const std::string& tree, const CommitOptions& options) {
  VENEER_TRY(const std::unique_ptr<ChangeWalk> walk,
             ChangeWalk::Open(upper, work, tree, store.layout().objects(), options.records));
  ChangeSource source(*walk, store.objects(),
                      {.merged = false,
                       .move = options.move,
                       .epoch = options.source_date_epoch,
                       .cancel = options.cancel});
  return CommitEntries(store, store_writer, source, options);
}

Result<CommittedLayer> CommitEntries(Store& store, StoreWriter& store_writer, EntrySource& source,
                                     const CommitOptions& options) {
  TreeBuilder::Limits limits;
  limits.entries = options.max_entries;
  VENEER_TRY(const std::unique_ptr<LayerAssembler> layer,
             LayerAssembler::Create(store, store_writer, limits));
  ReadingProgress progress(options.progress, options.cancel);
  VENEER_TRY(const LayerArchive archive,
             TakeIntoLayer(store, store_writer, *layer, source, progress));
  VENEER_TRY(const FinishedLayer finished, layer->Finish(archive.diff_id));
  return CommittedLayer{
      archive.diff_id,  archive.bytes, finished.summary.bytes + finished.summary.target_bytes,
      finished.existed, archive.empty, finished.summary};
}

Result<CommittedLayer> CommitContainer(Store& store, StoreWriter& store_writer,
                                       const ContainerRecord& container,
                                       const CommitOptions& options) {
  VENEER_TRY(const std::string tree, store.EnsureTree(container.diff_ids));
  CommitOptions all = options;
  all.records = RecordsOf(store.layout(), container.name);
  Result<CommittedLayer> committed =
      CommitUpper(store, store_writer, store.layout().upper(container.name),
                  store.layout().work(container.name), tree, all);
  if (!committed) {
    return tl::unexpected(std::move(committed).error().Context("container " + container.name));
  }
  return committed;
}

}  // namespace veneer
