// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/lineage.h"

#include <map>
#include <utility>

namespace veneer {

namespace {

// The images that those of `all` were made of which are, or are not, among `chosen`.
std::set<Digest> ParentsOf(const std::vector<ImageListing>& all, const std::set<Digest>& chosen,
                           bool among) {
  std::set<Digest> parents;
  for (const ImageListing& listing : all) {
    const bool there = chosen.contains(listing.image.id);
    if (listing.image.parent && there == among) parents.insert(*listing.image.parent);
  }
  return parents;
}

}  // namespace

std::set<Digest> UsedImages(const std::vector<ContainerRecord>& containers) {
  std::set<Digest> used;
  for (const ContainerRecord& container : containers) used.insert(container.image_id);
  return used;
}

std::set<Digest> NeededSteps(const std::vector<ImageListing>& all, const std::set<Digest>& used) {
  std::map<Digest, const ImageListing*> by_id;
  for (const ImageListing& listing : all) by_id[listing.image.id] = &listing;
  std::set<Digest> seen;
  std::set<Digest> needed;
  for (const ImageListing& listing : all) {
    if (IsCachedStep(listing) && !used.contains(listing.image.id)) continue;
    // All that it was made of, up to what another one was made of too.
    for (const ImageListing* image = &listing; seen.insert(image->image.id).second;) {
      if (IsCachedStep(*image)) needed.insert(image->image.id);
      if (!image->image.parent) break;
      const auto parent = by_id.find(*image->image.parent);
      if (parent == by_id.end()) break;
      image = parent->second;
    }
  }
  return needed;
}

std::optional<Digest> MadeOf(const std::vector<ImageListing>& all, const Digest& id) {
  for (std::set<Digest> above = {id}; !above.empty();) {
    std::set<Digest> steps;
    for (const ImageListing& listing : all) {
      if (!listing.image.parent || !above.contains(*listing.image.parent)) continue;
      if (!IsCachedStep(listing)) return listing.image.id;
      steps.insert(listing.image.id);
    }
    above = std::move(steps);
  }
  return std::nullopt;
}

void AddParents(const std::vector<ImageListing>& all, const std::set<Digest>& used,
                std::set<Digest>* going) {
  for (bool more = true; more;) {
    more = false;
    const std::set<Digest> parents = ParentsOf(all, *going, true);
    const std::set<Digest> needed = ParentsOf(all, *going, false);
    for (const ImageListing& listing : all) {
      const Digest& id = listing.image.id;
      const bool goes = parents.contains(id) && !needed.contains(id) && listing.tags.empty() &&
                        !used.contains(id);
      if (goes) more |= going->insert(id).second;
    }
  }
}

void KeepParents(const std::vector<ImageListing>& all, std::set<Digest>* going) {
  for (bool more = true; more;) {
    more = false;
    const std::set<Digest> needed = ParentsOf(all, *going, false);
    for (const ImageListing& listing : all) {
      if (listing.tags.empty() && needed.contains(listing.image.id)) {
        more |= going->erase(listing.image.id) > 0;
      }
    }
  }
}

}  // namespace veneer
