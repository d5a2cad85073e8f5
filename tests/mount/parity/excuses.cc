// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/excuses.h"

#include <cerrno>

namespace veneer::parity {
namespace {

struct Entry {
  TargetKind kind;
  Field field;
  bool (*applies)(const Difference&);
  Excuse excuse;
};

bool IsDirectory(const Difference& d) {
  return d.plain_stat != nullptr && S_ISDIR(d.plain_stat->st_mode);
}

// Of a directory: not counted.
bool IsUncounted(const Difference& d) { return IsDirectory(d) && d.got_stat->st_nlink == 1; }

bool IsFifo(const Difference& d) {
  return d.plain_stat != nullptr && S_ISFIFO(d.plain_stat->st_mode);
}

bool IsRemovedDirectory(const Difference& d) {
  return IsDirectory(d) && d.plain_stat->st_nlink == 0;
}

bool IsUnlinked(const Difference& d) {
  return d.plain_stat != nullptr && d.plain_stat->st_nlink == 0;
}

bool IsHandle(const Difference& d) { return d.op != nullptr && d.op->kind == OpKind::kHandle; }

bool Always(const Difference&) { return true; }

bool IsAclRemoval(const Difference& d) {
  return d.op != nullptr && d.op->kind == OpKind::kRemoveXattr &&
         d.op->name.rfind("system.posix_acl_", 0) == 0 && d.plain_outcome->ret == 0 &&
         d.got_outcome->error == ENODATA;
}

// An empty value is a removal, too.
bool IsEmptyAcl(const Difference& d) {
  return d.op != nullptr && d.op->kind == OpKind::kSetXattr &&
         d.op->name.rfind("system.posix_acl_", 0) == 0 && d.plain_outcome->ret == 0 &&
         d.got_outcome->error == ENODATA;
}

// Not aligned as the disk wants it.
bool IsMisaligned(const Difference& d) {
  return d.op != nullptr && d.op->kind == OpKind::kDirectIo && d.plain_outcome->error == EINVAL &&
         d.got_outcome->error == 0;
}

// Copying a file up through a descriptor, when its name belongs to something else by now.
bool IsCopyUpOfReplaced(const Difference& d) {
  return d.op != nullptr && d.plain_outcome->ret == 0 && d.got_outcome->error == EEXIST;
}

// Copying a directory up through a descriptor, when it was removed: its name is a whiteout by now.
bool IsCopyUpOfRemovedDirectory(const Difference& d) {
  return d.op != nullptr && d.plain_outcome->ret == 0 && d.got_outcome->error == ENOTDIR;
}

// Of a file whose set-user-ID bit would go, by somebody who may not.
bool IsEmptyChown(const Difference& d) {
  return d.op != nullptr && (d.op->kind == OpKind::kChown || d.op->kind == OpKind::kFchown) &&
         d.op->uid == static_cast<uid_t>(-1) && d.op->gid == static_cast<gid_t>(-1) &&
         d.plain_outcome->error == EPERM && d.got_outcome->ret == 0;
}

// Pages are written back to the daemon, whose write takes capabilities away, as every write(2)
// does.
bool IsLostCapability(const Difference& d) {
  if (!d.dirty) return false;
  if (d.op == nullptr) return d.where.find("security.capability") != std::string::npos;
  return (d.op->kind == OpKind::kListXattr &&
          d.plain_outcome->detail.find("security.capability") != std::string::npos) ||
         (d.op->kind == OpKind::kGetXattr && d.op->name == "security.capability");
}

// The file had capabilities, or else the kernel would not have asked.
bool IsRootWrite(const Difference& d) {
  if (d.op == nullptr || d.op->who != 0 || d.plain_stat == nullptr) return false;
  return (d.plain_stat->st_mode & 06000) != 0 &&
         (d.plain_stat->st_mode & ~06000U) == (d.got_stat->st_mode & ~06000U);
}

bool IsWrongWalk(const Outcome& outcome) {
  for (const char* const complaint : {"going back", "listed twice", "left out"}) {
    if (outcome.detail.find(complaint) != std::string::npos) return true;
  }
  return false;
}

// What is wrong is the listing of the plain directory.
bool IsPlainWalk(const Difference& d) {
  return d.op != nullptr && d.op->kind == OpKind::kWalk && IsWrongWalk(*d.plain_outcome) &&
         !IsWrongWalk(*d.got_outcome);
}

bool IsRenameAcross(const Difference& d) {
  return d.op != nullptr && d.op->kind == OpKind::kRename && d.plain_outcome->ret == 0 &&
         d.got_outcome->error == EXDEV;
}

constexpr auto kVeneer = TargetKind::kVeneer;
constexpr auto kOverlay = TargetKind::kOverlay;

constexpr Excuse kSize{"the size of a directory is an affair of the file system it is on", false};
constexpr Excuse kLinks{"the link count of a merged directory is not defined: 1 tells find so",
                        false};
constexpr Excuse kWalk{"tmpfs itself loses its place in a listing when entries go", false};
constexpr Excuse kFifo{"the kernel's pipe stamps a fifo without telling the file system", false};
constexpr Excuse kGone{"a lower file that is open and unlinked keeps the link count below", false};
constexpr Excuse kHandles{"file handles need nfs_export, which counts a link too many", false};
constexpr Excuse kNoHandles{"a handle would outlive the node that it names", false};
constexpr Excuse kHoles{"copying up fills holes on tmpfs", false};
constexpr Excuse kNoAcl{"removing an ACL that is not there is ENODATA", true};
constexpr Excuse kRootWrite{
    "FUSE cannot tell root's write to a file with capabilities from chown(-1, -1)", true};
constexpr Excuse kRemoved{"a directory that goes loses its whiteouts, which marks its times",
                          false};
constexpr Excuse kNowhere{"a lower file that was unlinked has nowhere to keep a change time",
                          false};
constexpr Excuse kCapability{"writing back a mapping takes capabilities away", false};
constexpr Excuse kChown{"FUSE cannot tell chown(-1, -1) from a write that drops set-user-ID", true};
constexpr Excuse kReplaced{"the kernel cannot copy up a file whose name was replaced", true};
constexpr Excuse kRemovedBelow{"the kernel cannot copy up a directory that was removed", true};
constexpr Excuse kMisaligned{"FUSE takes direct input and output of any alignment", true};
constexpr Excuse kParentTime{"the kernel marks the times of a directory in which it copies up",
                             false};
constexpr Excuse kRedirect{"a redirect longer than 256 bytes (redirect_max) is EXDEV", true};

constexpr Entry kTable[] = {
    {kVeneer, Field::kSize, IsDirectory, kSize},
    {kVeneer, Field::kLinks, IsUncounted, kLinks},
    {kVeneer, Field::kModifyTime, IsRemovedDirectory, kRemoved},
    {kVeneer, Field::kChangeTime, IsUnlinked, kNowhere},
    {kVeneer, Field::kResult, IsEmptyChown, kChown},
    {kVeneer, Field::kMode, IsRootWrite, kRootWrite},
    {kVeneer, Field::kResult, IsLostCapability, kCapability},
    {kVeneer, Field::kDetail, IsLostCapability, kCapability},
    {kVeneer, Field::kXattrs, IsLostCapability, kCapability},
    {kVeneer, Field::kDetail, IsPlainWalk, kWalk},
    {kVeneer, Field::kModifyTime, IsFifo, kFifo},
    {kVeneer, Field::kChangeTime, IsFifo, kFifo},
    {kVeneer, Field::kResult, IsMisaligned, kMisaligned},
    {kVeneer, Field::kResult, IsHandle, kNoHandles},
    {kVeneer, Field::kDetail, IsHandle, kNoHandles},

    {kOverlay, Field::kSize, IsDirectory, kSize},
    {kOverlay, Field::kLinks, IsUncounted, kLinks},
    {kOverlay, Field::kDetail, IsPlainWalk, kWalk},
    {kOverlay, Field::kModifyTime, IsFifo, kFifo},
    {kOverlay, Field::kChangeTime, IsFifo, kFifo},
    {kOverlay, Field::kLinks, IsUnlinked, kGone},
    {kOverlay, Field::kChangeTime, IsUnlinked, kGone},
    {kOverlay, Field::kBlocks, Always, kHoles},
    {kOverlay, Field::kResult, IsHandle, kHandles},
    {kOverlay, Field::kDetail, IsHandle, kHandles},
    {kOverlay, Field::kResult, IsAclRemoval, kNoAcl},
    {kOverlay, Field::kResult, IsEmptyAcl, kNoAcl},
    {kOverlay, Field::kResult, IsCopyUpOfReplaced, kReplaced},
    {kOverlay, Field::kResult, IsCopyUpOfRemovedDirectory, kRemovedBelow},
    {kOverlay, Field::kModifyTime, IsDirectory, kParentTime},
    {kOverlay, Field::kResult, IsRenameAcross, kRedirect},
};

}  // namespace

const char* FieldName(Field field) {
  static const char* const names[] = {
      "result",      "detail",  "type",    "mode",   "owner",       "size",
      "links",       "device",  "blocks",  "inode",  "modify time", "change time",
      "access time", "content", "symlink", "xattrs", "name",        "listing"};
  return names[static_cast<int>(field)];
}

const Excuse* FindExcuse(TargetKind kind, const Difference& difference) {
  for (const Entry& entry : kTable) {
    if (entry.kind == kind && entry.field == difference.field && entry.applies(difference))
      return &entry.excuse;
  }
  return nullptr;
}

bool MayPart(const Op& op) {
  switch (op.kind) {
    case OpKind::kDirectIo: return true;  // kMisaligned
    case OpKind::kChown:
    case OpKind::kFchown:  // kChown
      return op.uid == static_cast<uid_t>(-1) && op.gid == static_cast<gid_t>(-1);
    case OpKind::kSetXattr: return op.name == "security.capability";  // kRootWrite
    default: return false;
  }
}

}  // namespace veneer::parity
