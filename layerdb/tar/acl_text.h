// SPDX-License-Identifier: Apache-2.0
//
// POSIX ACLs between the two forms they travel in: the text of PAX records (SCHILY.acl.access,
// SCHILY.acl.default, as star, GNU tar and bsdtar write it) and the value of the extended
// attributes system.posix_acl_access and system.posix_acl_default (model/posix_acl.h). Pure.
#ifndef VENEER_LAYERDB_TAR_ACL_TEXT_H_
#define VENEER_LAYERDB_TAR_ACL_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/model/posix_acl.h"

namespace veneer {

// The id of a user or group that the text gives by name only; nullopt: not known, the entry is left
// out.
using AclNameToId = FunctionRef<std::optional<uint32_t>(bool user, std::string_view name)>;

// The attribute's value; empty for an ACL that says no more than the mode does. An error: not an
// ACL.
Result<std::string> AclFromText(std::string_view text, AclNameToId ids);

// "user::rwx,user:1000:r-x,…" with numeric ids; nullopt when `value` is not an ACL.
std::optional<std::string> AclToText(std::string_view value);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_ACL_TEXT_H_
