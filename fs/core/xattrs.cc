// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes. What a layer or the upper says by xattrs of itself is neither seen nor reached from inside; those who
// use the same names (another union in this one) have xattrs of their own.
#include "fs/core/state.h"
#include "layerdb/model/acl.h"

namespace veneer {

namespace {
bool IsAcl(std::string_view name) { return name == kAclAccess || name == kAclDefault; }
}  // namespace

Sys<std::string> UnionFs::GetXattr(NodeId id, const std::string& name) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (!state_->options.acl && IsAcl(name)) return Fail(EOPNOTSUPP);
  if (!node->upper) return state_->lower->GetXattr(node->lower, name);
  const std::shared_lock names(state_->names);
  const std::shared_lock place(state_->places.For(id));
  VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
  return state_->upper->GetXattr(where.at(), name);
}

Sys<std::string> UnionFs::ListXattr(NodeId id) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  std::string out;
  auto take = [&](std::string_view name) {
    if (!state_->options.acl && IsAcl(name)) return;
    out.append(name).push_back('\0');
  };
  if (!node->upper) {
    VENEER_TRY(const XattrList xattrs, state_->lower->ListXattrs(node->lower));
    for (const Xattr& xattr : xattrs) take(xattr.first);
    return out;
  }
  const std::shared_lock names(state_->names);
  const std::shared_lock place(state_->places.For(id));
  VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
  VENEER_TRY(const auto xattrs, state_->upper->ListXattr(where.at()));
  for (const std::string& name : xattrs) take(name);
  return out;
}

Sys<void> UnionFs::SetXattr(NodeId id, const std::string& name, std::string_view value, int flags) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (!state_->upper) return Fail(EROFS);
  if (!state_->options.acl && IsAcl(name)) return Fail(EOPNOTSUPP);
  const std::shared_lock names(state_->names);
  VENEER_TRY_VOID(state_->CopyUpMetaLocked(node));
  {
    const std::shared_lock place(state_->places.For(id));
    VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
    VENEER_TRY_VOID(state_->upper->SetXattr(where.at(), name, value, flags));
  }
  if (node->directory && name == kAclDefault) {
    const std::lock_guard lock(node->directory->mutex);
    node->directory->default_acl_known = false;
  }
  return {};
}

Sys<void> UnionFs::RemoveXattr(NodeId id, const std::string& name) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (!state_->upper) return Fail(EROFS);
  if (!state_->options.acl && IsAcl(name)) return Fail(EOPNOTSUPP);
  const std::shared_lock names(state_->names);
  if (!node->upper) {
    // Nothing to remove is no reason to copy. An ACL that is not there may be removed.
    const auto value = state_->lower->GetXattr(node->lower, name);
    if (!value && IsAcl(name) && value.error().code == ENODATA) return {};
    if (!value) return Fail(value.error());
    VENEER_TRY_VOID(state_->CopyUpMetaLocked(node));
  }
  {
    const std::shared_lock place(state_->places.For(id));
    VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
    const auto removed = state_->upper->RemoveXattr(where.at(), name);
    if (!removed && !(IsAcl(name) && removed.error().code == ENODATA)) return removed;
  }
  if (node->directory && name == kAclDefault) {
    const std::lock_guard lock(node->directory->mutex);
    node->directory->default_acl_known = false;
  }
  return {};
}

}  // namespace veneer
