// SPDX-License-Identifier: Apache-2.0
//
// What the catalog refers to, at one moment: the roots for prune and fsck.
#ifndef VENEER_LAYERDB_CATALOG_REFERENCES_H_
#define VENEER_LAYERDB_CATALOG_REFERENCES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"

namespace veneer {

struct References {
  std::vector<ImageListing> images;
  std::vector<ContainerRecord> containers;

  // With what needs each: tags (or an id) of images.
  std::map<Digest, std::set<std::string>> layers;
  std::map<Digest, std::set<std::string>> trees;  // by chain id
  std::map<Digest, std::set<std::string>> blobs;
};

// What is to be taken for gone although it is in the catalog.
struct Unreferenced {
  std::set<Digest> images;
  std::set<std::string> containers;
};

// Reads the catalog. REQUIRES: the caller keeps others from writing, or can live with an old
// answer.
Result<References> CollectReferences(Images& images, Containers& containers,
                                     const Unreferenced& gone = {});

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_REFERENCES_H_
