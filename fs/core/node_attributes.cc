// SPDX-License-Identifier: Apache-2.0
#include "fs/core/node_attributes.h"

namespace veneer {

namespace {

// A mode without what AttrChange::kill_privileges takes away.
uint32_t WithoutPrivileges(uint32_t mode, uint32_t gid, const GroupTest* groups) {
  uint32_t kept = mode & ~04000U;
  const bool group_runs_it = (mode & 00010) != 0;
  if ((mode & 02000) != 0 && (group_runs_it || (groups != nullptr && !groups->Contains(gid)))) {
    kept &= ~02000U;
  }
  return kept;
}

}  // namespace

Sys<Attr> NodeAttributes::Stat(const Node& node) {
  const NodeReader reader(locks_, node);
  if (!node.upper) {
    VENEER_TRY(const Attr attr, lower_.Stat(node.lower));
    return Adjust(node, attr);
  }
  VENEER_TRY(const UpperLocation where, paths_.InUpper(reader));
  VENEER_TRY(Attr attr, upper_->Stat(where.at()));
  attr = Adjust(node, attr);
  if (!node.data_upper && node.has_lower) {
    VENEER_TRY(const Attr below, lower_.Stat(node.lower));
    attr.blocks = below.blocks;
  }
  return attr;
}

Attr NodeAttributes::Adjust(const Node& node, Attr attr) const {
  attr.ino = node.ino;
  if (node.is_dir()) {
    // Counting the subdirectories of a merged directory would mean loading each one that is only
    // looked at; 1 says "not counted", as kernel overlayfs says it.
    if (static_nlink_ || (node.upper && node.has_lower)) attr.nlink = 1;
    if (node.removed) attr.nlink = 0;
  } else if (node.linked_below && upper_ != nullptr) {
    const LinkIndex& links = upper_->links();
    attr.nlink = links.Count(node.Identity()).value_or(node.upper ? attr.nlink : node.lower_nlink);
    if (node.removed) attr.nlink = 0;
    if (const auto changed = links.Changed(node.Identity()); changed && attr.ctime < *changed) {
      attr.ctime = *changed;
    }
  } else if (node.removed && !node.upper) {
    attr.nlink = 0;
  }
  return attr;
}

Sys<void> NodeAttributes::DropPrivileges(sys::At at, const GroupTest* groups) const {
  VENEER_TRY(const Attr attr, upper_->Stat(at));
  const uint32_t kept = WithoutPrivileges(attr.mode, attr.gid, groups);
  if (kept != attr.mode) VENEER_TRY_VOID(upper_->SetMode(at, kept));
  // Asked first: an ordinary user may look, but may not even try to remove what is not there.
  const auto present = sys::GetXattr(at, "security.capability");
  if (present) return sys::RemoveXattr(at, "security.capability");
  const int code = present.error().code;
  if (code != ENODATA && code != EOPNOTSUPP) return Fail(code);
  return {};
}

}  // namespace veneer
