// SPDX-License-Identifier: Apache-2.0
//
// Extended attributes. POSIX ACLs are among them: the kernel keeps and checks them, this daemon
// stores them and translates the ids inside.
#include "fs/fuse/handlers.h"
#include "fs/fuse/raw_protocol.h"
#include "fs/fuse/request.h"
#include "layerdb/model/posix_acl.h"

namespace veneer {

namespace {

// Where the host has no SELinux, a label that is not there is "not supported": ls and friends then
// stop asking for the rest of the run. One that is there is data like any other.
bool IsUselessLabel(const Mount& mount, std::string_view name) {
  return mount.optimizations.refuse_labels && !mount.selinux && name == "security.selinux";
}

bool IsAcl(const Mount& mount, std::string_view name) {
  return !mount.ids.identity() && IsAclName(name);
}

// "noxattrs": after this answer the kernel asks no more, and says "not supported" by itself.
bool AreRefused(Request& r) {
  if (r.mount().xattrs) return false;
  r.ReplyError(ENOSYS);
  return true;
}

}  // namespace

void serve::GetXattr(Request& r, fuse_ino_t node, const char* name, size_t size) {
  if (AreRefused(r)) return;
  Sys<std::string> value = r.fs().GetXattr(node, name);
  if (!value && value.error().code == ENODATA && IsUselessLabel(r.mount(), name)) {
    value = Fail(EOPNOTSUPP);
  }
  if (value && IsAcl(r.mount(), name)) value = AclToMount(std::move(*value), r.mount().ids);
  r.ReplyXattr(value, size);
}

namespace {

// The kernel shows trusted.* to root only, in the listing too; for FUSE it leaves that to the
// daemon.
std::string WithoutTrusted(std::string_view names) {
  std::string kept;
  for (size_t end = names.find('\0'); end != std::string_view::npos; end = names.find('\0')) {
    const std::string_view name = names.substr(0, end + 1);
    if (!name.starts_with("trusted.")) kept += name;
    names.remove_prefix(name.size());
  }
  return kept;
}

}  // namespace

void serve::ListXattr(Request& r, fuse_ino_t node, size_t size) {
  if (AreRefused(r)) return;
  Sys<std::string> names = r.fs().ListXattr(node);
  if (names && !r.caller_is_root()) names = WithoutTrusted(*names);
  r.ReplyXattr(names, size);
}

namespace {

// A caller outside the file's group may not keep set-group-ID with a new ACL
// (posix_acl_update_mode).
Sys<void> ClearSetGroupId(UnionFs& fs, NodeId node) {
  VENEER_TRY(const Attr attr, fs.GetAttr(node));
  if ((attr.mode & S_ISGID) == 0) return {};
  AttrChange change;
  change.mode = attr.mode & ~uint32_t{S_ISGID};
  VENEER_TRY_VOID(fs.SetAttr(node, change));
  return {};
}

}  // namespace

void serve::SetXattr(Request& r, fuse_ino_t node, const char* name, const char* value, size_t size,
                     int flags) {
  if (AreRefused(r)) return;
  // The kernel says so with a default ACL, too, which changes no mode.
  const bool clear_set_group_id =
      CurrentRawBits().kill_set_group_id && std::string_view(name) == kAclAccess;
  Sys<void> done;
  if (IsAcl(r.mount(), name)) {
    const std::optional<std::string> kept = AclToDisk(std::string(value, size), r.mount().ids);
    if (!kept) return r.ReplyError(EINVAL);
    done = r.fs().SetXattr(node, name, *kept, flags);
  } else {
    done = r.fs().SetXattr(node, name, {value, size}, flags);
  }
  if (done && clear_set_group_id) done = ClearSetGroupId(r.fs(), node);
  r.Reply(done);
}

void serve::RemoveXattr(Request& r, fuse_ino_t node, const char* name) {
  if (AreRefused(r)) return;
  r.Reply(r.fs().RemoveXattr(node, name));
}

}  // namespace veneer
