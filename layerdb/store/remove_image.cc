// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/remove_image.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "layerdb/base/fd.h"
#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/store/store.h"

namespace veneer {
namespace {

void LeftForPrune(const std::string& path, int code) {
  if (code != ENOENT) LogWarning("left for prune: " + path + ": " + ErrnoText(code));
}

// Out of its place at once, so that nobody sees half of it.
bool RemoveLayer(const StoreLayout& layout, const Digest& diff_id) {
  const std::string path = layout.layer(diff_id);
  const std::string trash = layout.staging() + "/layer-" + diff_id.hex();
  IgnoreError(RemoveTree(trash), "of one that was killed; the rename says so");
  if (const Sys<void> moved = sys::Rename(sys::Path(path), sys::Path(trash), 0); !moved) {
    LeftForPrune(path, moved.error().code);
    return false;
  }
  if (const Sys<uint64_t> freed = RemoveTree(trash); !freed) {
    LeftForPrune(trash, freed.error().code);
  }
  return true;
}

void RemoveOrLeave(const std::string& path) {
  if (const Sys<uint64_t> freed = RemoveTree(path); !freed) LeftForPrune(path, freed.error().code);
}

}  // namespace

Result<RemoveImageReport> RemoveImage(Store& store, std::string_view reference,
                                      const RemoveImageOptions& options) {
  const StoreLayout& layout = store.layout();
  // Taken before the catalog is changed: nobody can come to need a layer between the two. Only if
  // nobody else has it: whoever writes may have found a layer and not said yet that it is needed.
  Fd lock;
  if (!options.keep_layers) {
    lock = OpenLocked(layout.lock_file(), LockMode::kExclusive, kNoPatience).value_or(Fd());
  }
  RemoveImageReport report;
  VENEER_TRY(report.removed, store.images().Remove(reference, options.terms));
  if (options.keep_layers) {
    for (RemovedImage& removed : report.removed) removed.layers = {};
    return report;
  }
  report.writers_active = !lock && report.removed.front().deleted;
  for (RemovedImage& removed : report.removed) {
    const std::vector<Digest> layers = std::exchange(removed.layers, {});
    if (!removed.deleted || !lock) continue;
    if (removed.tree) RemoveOrLeave(layout.tree(*removed.tree));
    for (const Digest& diff_id : layers) {
      if (RemoveLayer(layout, diff_id)) removed.layers.push_back(diff_id);
    }
    for (const Digest& blob : removed.blobs) RemoveOrLeave(layout.blob(blob));
  }
  return report;
}

}  // namespace veneer
