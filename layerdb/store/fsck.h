// SPDX-License-Identifier: Apache-2.0
//
// The check of a whole store: every index and tar-split, every object and blob that something
// refers to, every reference. Reads only; repair.h acts upon what was found.
#ifndef VENEER_LAYERDB_STORE_FSCK_H_
#define VENEER_LAYERDB_STORE_FSCK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/layout.h"

namespace veneer {

class Store;

enum class FsckKind {
  kCatalog,
  kLayer,
  kTree,  // one that can be read, and is wrong all the same
  kBlob,
  kContainer,    // its image
  kUpper,        // a container without its directory: of what was written in it nothing is left
  kHalfRemoved,  // a container without its writable layer, as when its removal was interrupted
  kWork,         // a container without its work directory
};

struct FsckProblem {
  FsckKind kind = FsckKind::kCatalog;
  std::string path;                 // what is damaged, below the store
  std::string what;                 // one line
  std::vector<Digest> layers;       // kLayer: those whose index, tar-split or contents it is
  std::vector<std::string> images;  // tags (or ids) of the images it touches
  std::vector<std::string> containers;
};

struct FsckReport {
  uint64_t images = 0, containers = 0, layers = 0, trees = 0, objects = 0, blobs = 0;
  uint64_t bytes = 0;  // read
  std::vector<FsckProblem> problems;
  std::vector<Digest> marked;  // layers that an earlier Repair() marked as damaged
  // Chain ids of trees that cannot be used, as after a power cut. No damage: whoever needs one
  // makes it again.
  std::vector<Digest> stale_trees;
};

// `progress` is told bytes checked and bytes to check. An Error means that the check could not be
// made.
Result<FsckReport> Fsck(Store& store, FunctionRef<void(uint64_t done, uint64_t total)> progress);
// The report on a store that Store::Open() refuses with `why`, an error of code EUCLEAN: its
// catalog is damaged or lost. Names the containers by what is left of them.
FsckReport FsckUnopened(const StoreLayout& layout, const Error& why);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_FSCK_H_
