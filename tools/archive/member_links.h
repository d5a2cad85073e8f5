// SPDX-License-Identifier: Apache-2.0
//
// Following the symbolic links of an image archive, which is the same whether the archive is a file
// or a directory: they lead to what is inside, or are refused. Pure, but for what the caller looks
// up.
#ifndef VENEER_TOOLS_ARCHIVE_MEMBER_LINKS_H_
#define VENEER_TOOLS_ARCHIVE_MEMBER_LINKS_H_

#include <optional>
#include <string>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

// The target of the symbolic link at a place, which has no link above it; nullopt: there is none.
using LinkLookup = FunctionRef<Result<std::optional<std::string>>(const std::string& place)>;

// The place to which `name` (as NormalizeMemberName() gives it) leads, through links among its
// directories too; itself where there are none. Whether something is there is not said. Errors: a
// link that is absolute or climbs out of the archive; links that lead to themselves.
Result<std::string> FollowLinks(const std::string& name, LinkLookup link_at);

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_MEMBER_LINKS_H_
