// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes. What a layer or the upper says by xattrs of itself is neither seen nor
// reached from inside; those who use the same names (another union in this one) have xattrs of
// their own.
#include "fs/core/parts.h"
#include "layerdb/model/posix_acl.h"

namespace veneer {

namespace {
bool IsAcl(std::string_view name) { return name == kAclAccess || name == kAclDefault; }
}  // namespace

Sys<std::string> UnionFs::GetXattr(NodeId id, const std::string& name) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (!parts_->options.acl && IsAcl(name)) return Fail(EOPNOTSUPP);
  if (!node->upper) return parts_->lower->GetXattr(node->lower, name);
  const ReaderLock names(parts_->names.mutex());
  const NodeReader reader(parts_->locks, *node);
  VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
  return parts_->upper->GetXattr(where.at(), name);
}

Sys<std::string> UnionFs::ListXattr(NodeId id) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  std::string out;
  auto take = [&](std::string_view name) {
    if (!parts_->options.acl && IsAcl(name)) return;
    out.append(name).push_back('\0');
  };
  if (!node->upper) {
    VENEER_TRY(const XattrList xattrs, parts_->lower->ListXattrs(node->lower));
    for (const Xattr& xattr : xattrs) take(xattr.first);
    return out;
  }
  const ReaderLock names(parts_->names.mutex());
  const NodeReader reader(parts_->locks, *node);
  VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
  VENEER_TRY(const auto xattrs, parts_->upper->ListXattr(where.at()));
  for (const std::string& name : xattrs) take(name);
  return out;
}

Sys<void> UnionFs::SetXattr(NodeId id, const std::string& name, std::string_view value, int flags) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (!parts_->upper) return Fail(EROFS);
  if (!parts_->options.acl && IsAcl(name)) return Fail(EOPNOTSUPP);
  const ReaderLock names(parts_->names.mutex());
  VENEER_TRY_VOID(parts_->copy_up.Attributes(node));
  {
    const NodeReader reader(parts_->locks, *node);
    VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
    VENEER_TRY_VOID(parts_->upper->SetXattr(where.at(), name, value, flags));
  }
  if (node->directory && name == kAclDefault) {
    const MutexLock lock(node->directory->mutex);
    node->directory->default_acl().reset();
  }
  return {};
}

Sys<void> UnionFs::RemoveXattr(NodeId id, const std::string& name) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (!parts_->upper) return Fail(EROFS);
  if (!parts_->options.acl && IsAcl(name)) return Fail(EOPNOTSUPP);
  const ReaderLock names(parts_->names.mutex());
  if (!node->upper) {
    // Nothing to remove is no reason to copy. An ACL that is not there may be removed.
    const auto value = parts_->lower->GetXattr(node->lower, name);
    if (!value && IsAcl(name) && value.error().code == ENODATA) return {};
    if (!value) return Fail(value.error());
    VENEER_TRY_VOID(parts_->copy_up.Attributes(node));
  }
  {
    const NodeReader reader(parts_->locks, *node);
    VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
    const auto removed = parts_->upper->RemoveXattr(where.at(), name);
    if (!removed && !(IsAcl(name) && removed.error().code == ENODATA)) return removed;
  }
  if (node->directory && name == kAclDefault) {
    const MutexLock lock(node->directory->mutex);
    node->directory->default_acl().reset();
  }
  return {};
}

}  // namespace veneer
