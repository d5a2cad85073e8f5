// SPDX-License-Identifier: Apache-2.0
//
// Removing a whole directory, whatever is in it: directories without permissions, trees deeper than
// PATH_MAX or the number of descriptors allow. Symlinks are removed, never followed.
#ifndef VENEER_LAYERDB_STORE_REMOVE_TREE_H_
#define VENEER_LAYERDB_STORE_REMOVE_TREE_H_

#include <cstdint>
#include <string>

#include "layerdb/base/result.h"

namespace veneer {

// Removes the directory `path` with everything in it. Returns the bytes that this freed on disk. A
// directory that is not there is no error. When something cannot be removed, everything else is,
// and the first failure is returned. REQUIRES: nobody else uses the directory.
Sys<uint64_t> RemoveTree(const std::string& path);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_REMOVE_TREE_H_
