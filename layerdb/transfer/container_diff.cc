// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_diff.h"

#include <memory>

#include "layerdb/index/index_reader.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/image_diff.h"

namespace veneer {

Result<std::vector<DiffEntry>> DiffUpper(const std::string& upper, const std::string& work,
                                         const std::string& tree, const std::string& objects) {
  VENEER_TRY(const std::unique_ptr<ChangeWalk> walk, ChangeWalk::Open(upper, work, tree, objects));
  std::vector<DiffEntry> out;
  VENEER_TRY_VOID(walk->Run([&](const Change& change) -> Result<void> {
    // The root always is there, and docker diff never lists it.
    if (!change.path.empty() && change.kind) out.push_back({*change.kind, "/" + change.path});
    return {};
  }));
  return out;
}

Result<std::vector<DiffEntry>> DiffContainer(Store& store, const ContainerRecord& container) {
  VENEER_TRY(const std::string tree, store.EnsureTree(container.diff_ids));
  Result<std::vector<DiffEntry>> diff =
      DiffUpper(store.layout().upper(container.name), store.layout().work(container.name), tree,
                store.layout().objects());
  if (!diff) return tl::unexpected(std::move(diff).error().Context("container " + container.name));
  return diff;
}

Result<std::vector<SizedDiffEntry>> DiffContainerWithSizes(Store& store,
                                                           const ContainerRecord& container) {
  const StoreLayout& layout = store.layout();
  VENEER_TRY(const std::string tree, store.EnsureTree(container.diff_ids));
  VENEER_TRY(const std::shared_ptr<IndexReader> index, IndexReader::Open(tree));
  VENEER_TRY(const std::unique_ptr<ChangeWalk> walk,
             ChangeWalk::Open(layout.upper(container.name), layout.work(container.name), tree,
                              layout.objects()));
  std::vector<SizedDiffEntry> out;
  const Result<void> done = walk->Run([&](const Change& change) -> Result<void> {
    if (change.path.empty() || !change.kind) return {};
    SizedDiffEntry sized{{*change.kind, "/" + change.path}, 0, 0};
    const bool directory = !change.deleted && change.attr.type == FileType::kDirectory;
    if (!change.deleted && change.attr.type == FileType::kRegular) sized.after = change.attr.size;
    if (change.base && change.base->type == FileType::kRegular) {
      sized.before = change.base->size;
    } else if (change.base && change.base->type == FileType::kDirectory && !directory) {
      VENEER_TRY(sized.before, BytesBelow(*index, change.base->ino));
    }
    out.push_back(std::move(sized));
    return {};
  });
  if (!done) return tl::unexpected(Error(done.error()).Context("container " + container.name));
  return out;
}

}  // namespace veneer
