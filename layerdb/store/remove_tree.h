// SPDX-License-Identifier: Apache-2.0
//
// Removing a whole directory, whatever is in it: directories without permissions, trees deeper than
// PATH_MAX or the number of descriptors allow. Symlinks are removed, never followed. And putting
// things in the place of whatever is there.
#ifndef VENEER_LAYERDB_STORE_REMOVE_TREE_H_
#define VENEER_LAYERDB_STORE_REMOVE_TREE_H_

#include <cstdint>
#include <string>

#include "layerdb/base/result.h"

namespace veneer {

// Removes the directory `path` with everything in it, or what is there instead of one. Returns the
// bytes that this freed on disk. Nothing being there is no error. When something cannot be removed, everything else is,
// and the first failure is returned. REQUIRES: nobody else uses the directory.
Sys<uint64_t> RemoveTree(const std::string& path);

// Renames the file `from` onto `to`, whatever is there: a directory, which rename(2) would not
// replace, is removed first. REQUIRES: as for RemoveTree(), of `to`.
Sys<void> ReplaceByFile(const std::string& from, const std::string& to);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_REMOVE_TREE_H_
