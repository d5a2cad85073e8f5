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

bool IsHandle(const Difference& d) { return d.op != nullptr && d.op->kind == OpKind::kHandle; }

bool IsRenameAcross(const Difference& d) {
  return d.op != nullptr && d.op->kind == OpKind::kRename && d.plain_outcome->ret == 0 &&
         d.got_outcome->error == EXDEV;
}

constexpr char kDirectorySize[] =
    "the size of a directory is an affair of the file system it is on";
constexpr char kDirectoryLinks[] =
    "the link count of a merged directory is not defined: 1 tells find so";

constexpr Entry kTable[] = {
    {TargetKind::kVeneer, Field::kSize, IsDirectory, {kDirectorySize, false}},
    {TargetKind::kOverlay, Field::kSize, IsDirectory, {kDirectorySize, false}},
    {TargetKind::kVeneer, Field::kLinks, IsDirectory, {kDirectoryLinks, false}},
    {TargetKind::kOverlay, Field::kLinks, IsDirectory, {kDirectoryLinks, false}},
    {TargetKind::kOverlay,
     Field::kResult,
     IsHandle,
     {"file handles need nfs_export, which excludes metacopy", false}},
    {TargetKind::kOverlay,
     Field::kDetail,
     IsHandle,
     {"file handles need nfs_export, which excludes metacopy", false}},
    {TargetKind::kOverlay,
     Field::kResult,
     IsRenameAcross,
     {"a redirect longer than 256 bytes (redirect_max) is EXDEV", true}},
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

}  // namespace veneer::parity
