// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_diff.h"

#include <memory>

#include "layerdb/transfer/change_walk.h"

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

}  // namespace veneer
