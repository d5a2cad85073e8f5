// SPDX-License-Identifier: Apache-2.0
//
// The xattrs of users in the upper, beside those that say something of the upper itself.
#include "fs/upper/upper.h"
#include "layerdb/layer/marks.h"
#include "layerdb/model/acl.h"

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
  VENEER_TRY(const std::string on_disk, OnDisk(name));
  return sys::GetXattr(at, on_disk.c_str());
}

Sys<std::vector<std::string>> Upper::ListXattr(sys::At at) const {
  VENEER_TRY(const std::vector<std::string> on_disk, sys::ListXattr(at));
  std::vector<std::string> names;
  for (const std::string& name : on_disk) {
    if (auto shown = UnescapeXattr(name, privates_)) names.push_back(*std::move(shown));
  }
  return names;
}

Sys<void> Upper::SetXattr(sys::At at, std::string_view name, std::string_view value,
                          int flags) const {
  if (name == kAclAccess && HasOverrideStat()) return SetAcl(at, value, flags);
  VENEER_TRY(const std::string on_disk, OnDisk(name));
  return sys::SetXattr(at, on_disk.c_str(), value, flags);
}

// The mode that the ACL says goes where the mode is. One that says no more than a mode is not kept, as file systems do.
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
  return sys::RemoveXattr(at, on_disk.c_str());
}

}  // namespace veneer
