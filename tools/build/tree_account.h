// SPDX-License-Identifier: Apache-2.0
//
// Users and groups of a tree that is not mounted, by its own /etc/passwd and /etc/group
// (tools/run/account.h has them of a root directory).
#ifndef VENEER_TOOLS_BUILD_TREE_ACCOUNT_H_
#define VENEER_TOOLS_BUILD_TREE_ACCOUNT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "layerdb/base/result.h"
#include "tools/build/source_tree.h"

namespace veneer {

// "user[:group]" as USER has it: names or numbers.
Result<std::pair<uint32_t, uint32_t>> OwnerOfUser(SourceTree& tree, const std::string& user);

// --chown=user[:group]: a number alone is user and group, a name alone brings the group of
// /etc/passwd. Errors: a name that the files do not have (BuildKit would take root in silence).
Result<std::pair<uint32_t, uint32_t>> OwnerOfChown(SourceTree& tree, std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_TREE_ACCOUNT_H_
