// SPDX-License-Identifier: Apache-2.0
//
// Removing an image together with its unnamed parents, the layers, the tree and the documents that
// only it needs. Contents stay in objects/ for prune, which is the only one to know what else needs
// them.
#ifndef VENEER_LAYERDB_STORE_REMOVE_IMAGE_H_
#define VENEER_LAYERDB_STORE_REMOVE_IMAGE_H_

#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"

namespace veneer {

class Store;

struct RemoveImageOptions {
  RemoveTerms terms;
  bool keep_layers = false;  // all but the images' records stays, for prune
};

struct RemoveImageReport {
  std::vector<RemovedImage>
      removed;  // in the order of their going; of `layers` only those that are gone
  // Something was being written, which may need the layers: they stay, for prune.
  bool writers_active = false;
};

// Images::Remove(), and then takes away what nothing needs any more. In time that depends on the
// number of images and on what is removed. Waits for nobody. What cannot be taken away once the
// record is gone stays for prune. A process that is killed leaves either the image or garbage.
Result<RemoveImageReport> RemoveImage(Store& store, std::string_view reference,
                                      const RemoveImageOptions& options);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_REMOVE_IMAGE_H_
