// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/xattr_limits.h"

#include <string>

#include "layerdb/base/printable.h"
#include "layerdb/model/posix_acl.h"

namespace veneer {

namespace {

// linux/limits.h: XATTR_NAME_MAX, XATTR_SIZE_MAX, XATTR_LIST_MAX (each name with a NUL).
constexpr size_t kMaxNameSize = 255;
constexpr size_t kMaxValueSize = 65536;
constexpr size_t kMaxNames = 65536;

// What is wrong, or nullptr.
const char* Fault(std::string_view name, std::string_view value, FileType type) {
  const size_t dot = name.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot + 1 == name.size()) {
    return "is no name in a namespace";
  }
  if (name.find('\0') != std::string_view::npos) return "has a NUL in its name";
  if (name.size() > kMaxNameSize) return "has a name of more than 255 bytes";
  if (value.size() > kMaxValueSize) return "has a value of more than 65536 bytes";
  if (name == kAclDefault && type != FileType::kDirectory) return "is not one of a directory";
  if ((name == kAclAccess || name == kAclDefault) && !IsWellFormedAcl(value)) return "is no ACL";
  return nullptr;
}

}  // namespace

bool CanHaveXattr(FileType type, std::string_view name) {
  if (name.starts_with("user.")) {
    return type == FileType::kRegular || type == FileType::kDirectory;
  }
  if (name == kAclDefault) return type == FileType::kDirectory;
  return name != kAclAccess || type != FileType::kSymlink;
}

Result<void> CheckXattrs(const XattrList& xattrs, FileType type) {
  size_t names = 0;
  for (const auto& [name, value] : xattrs) {
    if (const char* fault = Fault(name, value, type); fault != nullptr) {
      return MakeError("extended attribute \"" + PrintablePath(name) + "\" " + fault);
    }
    names += name.size() + 1;
  }
  if (names > kMaxNames) {
    return MakeError("the names of its extended attributes have more than 65536 bytes");
  }
  return {};
}

bool IsHostXattr(std::string_view name) {
  return name == "security.selinux" || name == "system.nfs4_acl" || name == "system.nfs4acl" ||
         name == "system.richacl";
}

}  // namespace veneer
