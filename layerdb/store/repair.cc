// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/repair.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "layerdb/base/fd.h"
#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/objects/pack_index.h"
#include "layerdb/store/store.h"

namespace veneer {

Result<void> MarkDamaged(const StoreLayout& layout, const Digest& diff_id) {
  const std::string path = layout.layer_mark(diff_id);
  const Sys<Fd> mark = sys::Open(sys::Path(path), O_WRONLY | O_CREAT, 0600);
  if (mark) return SyncPath(layout.layer(diff_id));
  // The whole layer is missing, or no layer, which everybody sees.
  const int code = mark.error().code;
  if (code == ENOENT || code == ENOTDIR || code == ELOOP) return {};
  return MakeError(mark.error(), path);
}

namespace {

// A container that has lost its writable layer has nothing more to lose.
Result<RepairOutcome> RemoveLost(Store& store, const std::string& name) {
  VENEER_TRY(const ContainerLock lock, store.containers().Lock(name));
  struct stat st;
  if (lstat(store.layout().upper(name).c_str(), &st) == 0) {
    return RepairOutcome{false, "nothing was done, as it is there now"};
  }
  VENEER_TRY_VOID(store.containers().Remove(name));
  return RepairOutcome{true, "the container was removed"};
}

Result<RepairOutcome> MakeWork(Store& store, const std::string& name) {
  VENEER_TRY(const ContainerLock lock, store.containers().Lock(name));
  const std::string path = store.layout().work(name);
  VENEER_TRY_CTX_VOID(RemoveTree(path), path);
  VENEER_TRY_CTX_VOID(sys::MakeDir(sys::Path(path), 0700), path);
  VENEER_TRY_VOID(SyncPath(store.layout().container(name)));
  return RepairOutcome{true, "an empty one was made"};
}

// Small contents of later layers are not looked for in a pack that is damaged: a layer that is read
// again gets them anew.
Result<void> ForgetPacks(const StoreLayout& layout, const FsckReport& report) {
  std::set<ObjectRef> damaged;
  constexpr std::string_view kObjects = "objects/";
  for (const FsckProblem& problem : report.problems) {
    if (!problem.path.starts_with(kObjects)) continue;
    if (const auto ref = ParseObjectPath(problem.path.substr(kObjects.size())))
      damaged.insert(*ref);
  }
  if (damaged.empty() || !PackIndex::Exists(layout.slices())) return {};
  VENEER_TRY(const std::unique_ptr<PackIndex> table, PackIndex::Open(layout.slices()));
  return table->Forget([&](const ObjectRef& ref) { return !damaged.contains(ref); });
}

Result<RepairOutcome> Act(Store& store, const FsckProblem& problem) {
  const StoreLayout& layout = store.layout();
  switch (problem.kind) {
    case FsckKind::kTree: {
      const std::string path = layout.root() + "/" + problem.path;
      VENEER_TRY_CTX_VOID(RemoveTree(path), path);
      return RepairOutcome{true, "removed; it is made again when it is needed"};
    }
    case FsckKind::kLayer:
      for (const Digest& layer : problem.layers) VENEER_TRY_VOID(MarkDamaged(layout, layer));
      return RepairOutcome{false,
                           "to bring it back, load the image again, or import its archive again: "
                           "its layers are not taken for known any more"};
    case FsckKind::kBlob: return RepairOutcome{false, "to bring it back, load the image again"};
    case FsckKind::kUpper:
    case FsckKind::kHalfRemoved: return RemoveLost(store, problem.containers.front());
    case FsckKind::kWork: return MakeWork(store, problem.containers.front());
    case FsckKind::kContainer:
    case FsckKind::kCatalog: break;
  }
  return RepairOutcome{false, "nothing was done"};
}

}  // namespace

Result<std::vector<RepairOutcome>> Repair(Store& store, const FsckReport& report) {
  const StoreLayout& layout = store.layout();
  std::vector<RepairOutcome> outcomes;
  std::set<Digest> damaged;
  VENEER_TRY_VOID(ForgetPacks(layout, report));
  for (const Digest& chain_id : report.stale_trees) {
    VENEER_TRY_CTX_VOID(RemoveTree(layout.tree(chain_id)), layout.tree(chain_id));
  }
  for (const FsckProblem& problem : report.problems) {
    damaged.insert(problem.layers.begin(), problem.layers.end());
    VENEER_TRY(RepairOutcome outcome, Act(store, problem));
    outcomes.push_back(std::move(outcome));
  }
  std::vector<Digest> whole;
  std::copy_if(report.marked.begin(), report.marked.end(), std::back_inserter(whole),
               [&](const Digest& layer) { return !damaged.contains(layer); });
  // A load that was killed when it had replaced one may have left trees of what was there before.
  if (!whole.empty()) VENEER_TRY_VOID(store.DropTrees());
  for (const Digest& layer : whole) {
    const std::string path = layout.layer_mark(layer);
    VENEER_TRY_CTX_VOID(RemoveFile(path), path);
  }
  return outcomes;
}

}  // namespace veneer
