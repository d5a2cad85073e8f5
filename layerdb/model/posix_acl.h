// SPDX-License-Identifier: Apache-2.0
//
// POSIX ACLs: inheritance, and what they have to do with the mode, from values to values. The bytes are those of the xattrs
// system.posix_acl_access and system.posix_acl_default (Linux uapi posix_acl_xattr.h, version 2);
// the rule is POSIX 1003.1e draft 17, 23.1.5, as acl(5) "OBJECT CREATION AND DEFAULT ACLs" states
// it.
#ifndef VENEER_LAYERDB_MODEL_POSIX_ACL_H_
#define VENEER_LAYERDB_MODEL_POSIX_ACL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/model/entry.h"

namespace veneer {

inline constexpr const char* kAclAccess = "system.posix_acl_access";
inline constexpr const char* kAclDefault = "system.posix_acl_default";

// What an object gets that is made in a directory with a default ACL; the umask has no part in it.
struct InheritedAcl {
  uint32_t mode = 0;
  std::optional<std::string> access;       // absent where the mode says it all
  std::optional<std::string> default_acl;  // directories hand it on
};
// `mode`: as asked for, without the umask. nullopt when the xattr is malformed. Symlinks inherit
// nothing: do not ask.
std::optional<InheritedAcl> InheritAcl(std::string_view default_acl, uint32_t mode, FileType type);

// What an access ACL says of the permission bits: those of the owner, of the mask (without one, of the owning group), of
// others. nullopt: no ACL, or an empty one.
struct AclPermissions {
  uint32_t bits = 0;      // 0777
  bool extended = false;  // it says more than the bits do
};
std::optional<AclPermissions> PermissionsOfAcl(std::string_view access);
// The ACL after chmod(2) with `mode`; nullopt: no ACL.
std::optional<std::string> AclWithMode(std::string_view access, uint32_t mode);

// True for a value that the kernel takes as an ACL (posix_acl_from_xattr() and posix_acl_valid() of
// Linux): the entries of owner, users, owning group, groups, mask and others in this order.
bool IsWellFormedAcl(std::string_view value);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_POSIX_ACL_H_
