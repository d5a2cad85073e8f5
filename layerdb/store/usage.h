// SPDX-License-Identifier: Apache-2.0
//
// What of a store takes how much space on disk, and what of that could be had back.
#ifndef VENEER_LAYERDB_STORE_USAGE_H_
#define VENEER_LAYERDB_STORE_USAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"

namespace veneer {

class Store;

struct UsagePart {
  uint64_t total = 0;        // how many
  uint64_t active = 0;       // of them in use
  uint64_t bytes = 0;        // on disk, as du(1) counts them
  uint64_t reclaimable = 0;  // of the bytes, those that nothing in use needs
};

struct StoreUsage {
  UsagePart images;      // layers/, trees/ and blobs/; active: those with a container
  UsagePart containers;  // active: those that are mounted
  // Cached steps of builds, with what is theirs alone of layers/, trees/ and blobs/, and caches/;
  // active: steps that images need, and directories that a build uses.
  UsagePart build_cache;
  UsagePart objects;   // objects/ and slices/; active: those that active images need
  uint64_t other = 0;  // the catalog, unfinished work, and the directory itself
  // The sum of these is what du(1) says of the store.
  uint64_t bytes() const {
    return images.bytes + containers.bytes + build_cache.bytes + objects.bytes + other;
  }
  // What all images would take, each with its own files; without cached steps.
  uint64_t unpacked = 0;

  std::vector<ImageListing> image_list;  // without cached steps
  std::vector<ContainerRecord> container_list;
  std::map<std::string, uint64_t> container_bytes;  // by name
};

// Reads the catalog and the whole store directory, and the indexes of the layers of active images.
// What others change meanwhile is counted before or after.
Result<StoreUsage> MeasureUsage(Store& store);

// The bytes of the files of each layer that the images have, by its diff id.
Result<std::map<Digest, uint64_t>> LayerSizes(Store& store,
                                              const std::vector<ImageListing>& images);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_USAGE_H_
