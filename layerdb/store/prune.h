// SPDX-License-Identifier: Apache-2.0
//
// Garbage, found by mark and sweep: what no image and no container needs, and what dead processes
// left in staging.
#ifndef VENEER_LAYERDB_STORE_PRUNE_H_
#define VENEER_LAYERDB_STORE_PRUNE_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"

namespace veneer {

class Store;

struct PruneOptions {
  // Remove images that have no tag and no container, first. The steps of builds stay, but for those
  // that only these images need.
  bool untagged_images = false;
  bool dry_run = false;  // count only
  // Remove these images first, with their names, unless a container uses them by now. One without a
  // name stays as long as an image that was made of it does.
  std::set<Digest> images = {};
  bool keep_named = false;      // and unless they have a name by now
  bool keep_asked_for = false;  // and unless they are more than steps by now
  // For a dry run: containers that the caller would have removed before.
  std::set<std::string> dead_containers = {};
};

struct PruneReport {
  uint64_t images = 0, layers = 0, trees = 0, objects = 0, blobs = 0, staging = 0, containers = 0;
  uint64_t bytes_freed = 0;
  std::vector<RemovedImage> removed_images;  // those of PruneOptions::images; without `layers`
  // Something was being written meanwhile: only dead staging was removed, the rest waits for the
  // next prune.
  bool writers_active = false;
};

// Safe beside everything else that uses the store. A running import or commit is waited for at most
// two seconds.
Result<PruneReport> Prune(Store& store, const PruneOptions& options);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_PRUNE_H_
