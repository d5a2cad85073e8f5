// SPDX-License-Identifier: Apache-2.0
//
// The xattrs of users in the upper, beside those that say something of the upper itself.
#include <sys/xattr.h>

#include "fs/upper/upper.h"
#include "layerdb/layer/marks.h"
#include "layerdb/model/posix_acl.h"

namespace veneer {

// The name of a user's xattr on disk.
Sys<std::string> Upper::OnDisk(std::string_view name) const {
  constexpr size_t kLongest = 255;  // XATTR_NAME_MAX
  std::string escaped = EscapeXattr(name, privates_);
  // So says the kernel's overlayfs.
  if (escaped.size() > kLongest && escaped.size() > name.size()) return Fail(EOPNOTSUPP);
  return escaped;
}

Sys<std::string> Upper::GetXattr(sys::At at, std::string_view name) const {
  VENEER_TRY_VOID(OnDisk(name));
  return ReadUserXattr(at, name, privates_);
}

Sys<std::vector<std::string>> Upper::ListXattr(sys::At at) const {
  VENEER_TRY(std::vector<UserXattrName> listed, ListUserXattrs(at, privates_));
  std::vector<std::string> names;
  names.reserve(listed.size());
  for (UserXattrName& name : listed) names.push_back(std::move(name.shown));
  return names;
}

Sys<void> Upper::SetXattr(sys::At at, std::string_view name, std::string_view value,
                          int flags) const {
  if (name == kAclAccess && HasOverrideStat()) return SetAcl(at, value, flags);
  VENEER_TRY(const std::string on_disk, OnDisk(name));
  const std::string unescaped(name);
  if (!MayBeUnescaped(name, privates_) || !sys::GetXattr(at, unescaped.c_str())) {
    return sys::SetXattr(at, on_disk.c_str(), value, flags);
  }
  if ((flags & XATTR_CREATE) != 0) return Fail(EEXIST);
  VENEER_TRY_VOID(sys::SetXattr(at, on_disk.c_str(), value, 0));
  return sys::RemoveXattr(at, unescaped.c_str());
}

// The mode that the ACL says goes where the mode is. One that says no more than a mode is not kept,
// as file systems do.
Sys<void> Upper::SetAcl(sys::At at, std::string_view value, int flags) const {
  const auto permissions = PermissionsOfAcl(value);
  if (!permissions) return Fail(EINVAL);
  VENEER_TRY(const Attr attr, Stat(at));
  if (permissions->extended) {
    VENEER_TRY_VOID(sys::SetXattr(at, kAclAccess, value, flags));
  } else {
    const auto removed = sys::RemoveXattr(at, kAclAccess);
    if (!removed && removed.error().code != ENODATA) return removed;
  }
  OverrideStat stat = OverrideOf(attr);
  stat.mode = (attr.mode & ~0777U) | permissions->bits;
  return SetOverrideStat(at, stat);
}

Sys<void> Upper::RemoveXattr(sys::At at, std::string_view name) const {
  VENEER_TRY(const std::string on_disk, OnDisk(name));
  const auto removed = sys::RemoveXattr(at, on_disk.c_str());
  if (!MayBeUnescaped(name, privates_) || (!removed && removed.error().code != ENODATA)) {
    return removed;
  }
  const auto unescaped = sys::RemoveXattr(at, std::string(name).c_str());
  const bool gone = removed && !unescaped && unescaped.error().code == ENODATA;
  return gone ? removed : unescaped;
}

}  // namespace veneer
