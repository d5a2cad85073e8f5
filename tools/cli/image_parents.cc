// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/image_parents.h"

#include <algorithm>

namespace veneer {

std::optional<ImageRecord> ParentOf(const ImageRecord& image,
                                    const std::vector<ImageListing>& all) {
  if (!image.parent) return std::nullopt;
  const auto parent = std::ranges::find_if(
      all, [&](const ImageListing& listing) { return listing.image.id == *image.parent; });
  return parent == all.end() ? std::nullopt : std::optional(parent->image);
}

std::set<Digest> IntermediateImages(const std::vector<ImageListing>& all) {
  std::set<Digest> parents;
  for (const ImageListing& listing : all) {
    if (listing.image.parent) parents.insert(*listing.image.parent);
  }
  std::set<Digest> found;
  for (const ImageListing& listing : all) {
    const bool inner = listing.image.step || parents.contains(listing.image.id);
    if (listing.tags.empty() && inner) found.insert(listing.image.id);
  }
  return found;
}

}  // namespace veneer
