// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/repair.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "layerdb/base/fd.h"
#include "layerdb/store/store.h"

namespace veneer {

namespace {

Result<void> SyncDirectory(const std::string& path) {
  const Fd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir && fsync(dir.get()) == 0) return {};
  return MakeError(Errno{errno}, path);
}

Result<void> Mark(const StoreLayout& layout, const Digest& diff_id) {
  const std::string path = layout.layer_mark(diff_id);
  const Fd mark(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (mark) return SyncDirectory(layout.layer(diff_id));
  if (errno == ENOENT) return {};  // the whole layer is missing, which everybody sees
  return MakeError(Errno{errno}, path);
}

Result<RepairOutcome> Act(const StoreLayout& layout, const FsckProblem& problem) {
  switch (problem.kind) {
    case FsckKind::kTree: {
      const std::string path = layout.root() + "/" + problem.path;
      if (unlink(path.c_str()) != 0 && errno != ENOENT) return MakeError(Errno{errno}, path);
      return RepairOutcome{true, "removed; it is made again when it is needed"};
    }
    case FsckKind::kLayer:
      for (const Digest& layer : problem.layers) VENEER_TRY_VOID(Mark(layout, layer));
      return RepairOutcome{false,
                           "to bring it back, load the image again, or import its archive again: "
                           "its layers are not taken for known any more"};
    case FsckKind::kBlob: return RepairOutcome{false, "to bring it back, load the image again"};
    case FsckKind::kContainer:
    case FsckKind::kCatalog: break;
  }
  return RepairOutcome{false, "nothing was done"};
}

}  // namespace

Result<std::vector<RepairOutcome>> Repair(const Store& store, const FsckReport& report) {
  const StoreLayout& layout = store.layout();
  std::vector<RepairOutcome> outcomes;
  std::set<Digest> damaged;
  for (const FsckProblem& problem : report.problems) {
    damaged.insert(problem.layers.begin(), problem.layers.end());
    VENEER_TRY(RepairOutcome outcome, Act(layout, problem));
    outcomes.push_back(std::move(outcome));
  }
  for (const Digest& layer : report.marked) {
    if (damaged.contains(layer)) continue;
    const std::string path = layout.layer_mark(layer);
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return MakeError(Errno{errno}, path);
  }
  return outcomes;
}

}  // namespace veneer
