// SPDX-License-Identifier: Apache-2.0
//
// Which images were made of which (ImageRecord::parent), and so which may go. In the catalog, as
// prune and the lists of the commands ask the same. Pure functions of a list of all images.
#ifndef VENEER_LAYERDB_CATALOG_LINEAGE_H_
#define VENEER_LAYERDB_CATALOG_LINEAGE_H_

#include <optional>
#include <set>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"

namespace veneer {

// The images that containers use.
std::set<Digest> UsedImages(const std::vector<ContainerRecord>& containers);

// The image is the result of a step, and nobody gave it a name: a part of the cache of builds.
inline bool IsCachedStep(const ImageListing& listing) {
  return listing.image.step && listing.tags.empty();
}

// The cached steps that are needed: those that a container uses, and those that an image was made
// of which is no cached step.
std::set<Digest> NeededSteps(const std::vector<ImageListing>& all, const std::set<Digest>& used);

// The nearest image that is no cached step and was made of this one, also by steps; nullopt: there
// is none.
std::optional<Digest> MadeOf(const std::vector<ImageListing>& all, const Digest& id);

// With an image go those that it was made of: unnamed ones that no container uses, all of whose
// children go.
void AddParents(const std::vector<ImageListing>& all, const std::set<Digest>& used,
                std::set<Digest>* going);

// An image without a name stays as long as one that was made of it does.
void KeepParents(const std::vector<ImageListing>& all, std::set<Digest>* going);

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_LINEAGE_H_
