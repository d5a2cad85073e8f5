// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/references.h"

namespace veneer {

Result<References> CollectReferences(Images& images, Containers& containers,
                                     const Unreferenced& gone) {
  References out;
  VENEER_TRY(out.images, images.List());
  VENEER_TRY(out.containers, containers.List());
  std::erase_if(out.images, [&](const ImageListing& listing) {
    return gone.images.contains(listing.image.id);
  });
  std::erase_if(out.containers, [&](const ContainerRecord& container) {
    return gone.containers.contains(container.name);
  });
  for (const ImageListing& listing : out.images) {
    const ImageRecord& image = listing.image;
    std::set<std::string> names(listing.tags.begin(), listing.tags.end());
    if (names.empty()) names.insert(image.id.ToString());
    for (const Digest& diff_id : image.diff_ids) out.layers[diff_id].merge(std::set(names));
    out.trees[image.chain_id].merge(std::set(names));
    out.blobs[image.id].merge(std::set(names));
    for (const Digest& blob : image.blobs) out.blobs[blob].merge(std::set(names));
  }
  // A container keeps its image, so these are there already; but a container whose image is lost
  // must not lose its layers too.
  for (const ContainerRecord& container : out.containers) {
    for (const Digest& diff_id : container.diff_ids) out.layers.try_emplace(diff_id);
    out.trees.try_emplace(container.chain_id);
  }
  return out;
}

}  // namespace veneer
