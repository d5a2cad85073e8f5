// SPDX-License-Identifier: Apache-2.0
//
// Going through everything below a directory, however deep it is and whatever becomes of it meanwhile.
#ifndef VENEER_LAYERDB_STORE_TREE_WALK_H_
#define VENEER_LAYERDB_STORE_TREE_WALK_H_

#include <sys/stat.h>

#include <string>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

// Told of one object; true: go into it, when it is a directory.
using TreeVisitor = FunctionRef<bool(const struct stat& st)>;

// Visits everything below the directory `path`, not that itself. A few descriptors are open at a time, no path grows
// with the depth, and no symlink is followed. What goes away or may not be read is left out; of a directory that is moved
// meanwhile, what was not seen yet. ENOENT, ENOTDIR: there is no such directory.
Sys<void> WalkTree(const std::string& path, TreeVisitor visit);

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_TREE_WALK_H_
