// SPDX-License-Identifier: Apache-2.0
//
// Removing trees by descriptors: never follows a symlink, never leaves the tree, takes any depth with
// three descriptors.
#ifndef VENEER_FS_UPPER_REMOVE_TREE_H_
#define VENEER_FS_UPPER_REMOVE_TREE_H_

#include "layerdb/base/sys.h"

namespace veneer {

// Removes everything in the directory `fd`, which must be open for reading.
Sys<void> RemoveContents(int fd);
// Removes a directory and everything in it.
Sys<void> RemoveTree(sys::At dir);

}  // namespace veneer

#endif  // VENEER_FS_UPPER_REMOVE_TREE_H_
