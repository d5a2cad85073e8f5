// SPDX-License-Identifier: Apache-2.0
//
// How much lies in a directory of the store.
#ifndef VENEER_TOOLS_CLI_TREE_SIZE_H_
#define VENEER_TOOLS_CLI_TREE_SIZE_H_

#include <cstdint>
#include <string>

#include "layerdb/base/result.h"

namespace veneer {

// The bytes of all files below `path`, hard links once; see WalkTree() for depth, links, and what
// changes meanwhile. REQUIRES: an ordinary user is in the user namespace that the files belong to.
Sys<uint64_t> SizeOfTree(const std::string& path);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_TREE_SIZE_H_
