// SPDX-License-Identifier: Apache-2.0
//
// POSIX ACLs: their bytes, inheritance, and what they have to do with the mode, from values to
// values. The bytes are those of the xattrs system.posix_acl_access and system.posix_acl_default
// (Linux uapi posix_acl_xattr.h: u32 version 2, then u16 tag, u16 permissions, u32 id for each
// entry, little-endian, ascending); the rule of inheritance is POSIX 1003.1e draft 17, 23.1.5, as
// acl(5) "OBJECT CREATION AND DEFAULT ACLs" states it.
#ifndef VENEER_LAYERDB_MODEL_POSIX_ACL_H_
#define VENEER_LAYERDB_MODEL_POSIX_ACL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/model/entry.h"

namespace veneer {

inline constexpr const char* kAclAccess = "system.posix_acl_access";
inline constexpr const char* kAclDefault = "system.posix_acl_default";

// The value that takes an ACL away where it is set (posix_acl_from_xattr() of Linux: no entries, no
// ACL).
inline constexpr std::string_view kEmptyAcl("\2\0\0\0", 4);

// linux/posix_acl.h.
enum AclTag : uint16_t {
  kAclUserObj = 0x01,
  kAclUser = 0x02,
  kAclGroupObj = 0x04,
  kAclGroup = 0x08,
  kAclMask = 0x10,
  kAclOther = 0x20,
};
inline constexpr uint32_t kAclNoId = UINT32_MAX;

struct AclEntry {
  uint16_t tag = 0;
  uint16_t perm = 0;
  uint32_t id = kAclNoId;
};

// The entries of a value, as they are. nullopt: another version, or a length that is none of
// entries.
std::optional<std::vector<AclEntry>> DecodeAcl(std::string_view value);
std::string EncodeAcl(std::span<const AclEntry> entries);

// What an object gets that is made in a directory with a default ACL; the umask has no part in it.
struct InheritedAcl {
  uint32_t mode = 0;
  std::optional<std::string> access;       // absent where the mode says it all
  std::optional<std::string> default_acl;  // directories hand it on
};
// `mode`: as asked for, without the umask. nullopt when the xattr is malformed. Symlinks inherit
// nothing: do not ask.
std::optional<InheritedAcl> InheritAcl(std::string_view default_acl, uint32_t mode, FileType type);

// What an access ACL says of the permission bits: those of the owner, of the mask (without one, of
// the owning group), of others. nullopt: no ACL, or an empty one.
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
