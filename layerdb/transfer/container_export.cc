// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_export.h"

#include <memory>
#include <utility>

#include "layerdb/objects/object_store.h"
#include "layerdb/transfer/archive_sink.h"
#include "layerdb/transfer/change_source.h"
#include "layerdb/transfer/change_walk.h"

namespace veneer {

Result<uint64_t> ExportUpper(const std::string& upper, const std::string& work,
                             const std::string& tree, const std::string& objects,
                             const Cancellation* cancel, TarSink sink,
                             const UpperRecords& records) {
  VENEER_TRY(const std::unique_ptr<ChangeWalk> walk,
             ChangeWalk::Open(upper, work, tree, objects, records));
  VENEER_TRY(const std::unique_ptr<ObjectStore> contents, ObjectStore::Open(objects));
  ChangeSource source(*walk, *contents,
                      {.merged = true, .move = false, .epoch = std::nullopt, .cancel = cancel});
  ArchiveSink archive(sink, cancel);
  VENEER_TRY_VOID(source.Run(archive));
  return archive.Finish();
}

Result<uint64_t> ExportContainer(Store& store, const ContainerRecord& container,
                                 const Cancellation* cancel, TarSink sink) {
  VENEER_TRY(const std::string tree, store.EnsureTree(container.diff_ids));
  Result<uint64_t> size = ExportUpper(
      store.layout().upper(container.name), store.layout().work(container.name), tree,
      store.layout().objects(), cancel, sink, RecordsOf(store.layout(), container.name));
  if (!size) return tl::unexpected(std::move(size).error().Context("container " + container.name));
  return size;
}

}  // namespace veneer
