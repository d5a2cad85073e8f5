// SPDX-License-Identifier: Apache-2.0
//
// Reading the upper, and its attributes and marks.
#include "fs/upper/upper.h"

#include <dirent.h>

#include "fs/upper/despite_mode.h"
#include "layerdb/layer/marks.h"
#include "layerdb/model/posix_acl.h"

namespace veneer {

Sys<Attr> Upper::Stat(sys::At at) const {
  const ReaderLock modes(modes_);
  VENEER_TRY(const struct stat st, sys::Stat(at));
  Attr attr = AttrFromStat(st);
  if (HasOverrideStat()) ApplyOverrideStat(at, privates_.override_stat, attr);
  return attr;
}

Sys<std::optional<Timestamp>> Upper::BirthTime(sys::At at) const {
  const ReaderLock modes(modes_);
  return ReadBirthTime(at);
}

Sys<UpperObject> Upper::Read(sys::At at, std::string_view parent_path) const {
  UpperObject object;
  struct stat st = {};
  {
    const ReaderLock modes(modes_);
    VENEER_TRY(st, sys::Stat(at));
    object.attr = AttrFromStat(st);
    object.whiteout = IsDeviceWhiteout(st);
    if (object.whiteout) return object;
    if (HasOverrideStat()) ApplyOverrideStat(at, privates_.override_stat, object.attr);
  }
  // An empty file too: the mark that the kernel left on it would hide what is written to it.
  if (S_ISDIR(st.st_mode) || MayBeMetacopy(st)) {
    VENEER_TRY(object.marks, DespiteMode(modes_, uid_, at, [&](sys::At from) {
                 return ReadMarks(from, st, privates_, false, parent_path);
               }));
  }
  if (S_ISDIR(st.st_mode)) return object;
  if (S_ISREG(st.st_mode) && st.st_size == 0) object.whiteout = IsXattrWhiteout(at, st, privates_);
  const auto origin = DespiteMode(modes_, uid_, at, [&](sys::At from) {
    return sys::GetXattr(from, Mark(kMarkOrigin).c_str());
  });
  if (origin) object.origin = Origin::FromText(*origin);
  return object;
}

Sys<void> Upper::List(sys::At dir, FunctionRef<void(const Listed&)> sink) const {
  VENEER_TRY(const Fd fd, OpenFile(dir, O_RDONLY | O_DIRECTORY));
  const bool xattr_whiteouts = HoldsXattrWhiteouts({fd.get()}, privates_);
  return sys::ReadDir(fd.get(), [&](const sys::Dirent& raw) {
    uint32_t mode = static_cast<uint32_t>(raw.type) << 12;
    bool whiteout = false;
    const bool look = raw.type == DT_UNKNOWN || raw.type == DT_CHR || HasOverrideStat() ||
                      (xattr_whiteouts && raw.type == DT_REG);
    if (look) {
      const sys::At at{fd.get(), raw.name};
      const auto st = sys::Stat(at);
      if (!st) return;  // removed by somebody who writes to a mounted upper
      whiteout = IsDeviceWhiteout(*st) || (xattr_whiteouts && IsXattrWhiteout(at, *st, privates_));
      Attr attr = AttrFromStat(*st);
      if (HasOverrideStat()) ApplyOverrideStat(at, privates_.override_stat, attr);
      mode = attr.FullMode();
    }
    sink(Listed{raw.name, raw.ino, TypeFromMode(mode), whiteout});
  });
}

Sys<void> Upper::SetOwner(sys::At at, std::optional<uint32_t> uid,
                          std::optional<uint32_t> gid) const {
  if (!HasOverrideStat()) {
    return sys::Chown(at, uid.value_or(static_cast<uid_t>(-1)),
                      gid.value_or(static_cast<gid_t>(-1)));
  }
  VENEER_TRY(const Attr attr, Stat(at));
  // User xattrs need a file or a directory.
  const bool user = std::string_view(privates_.override_stat).starts_with("user.");
  if (attr.type == FileType::kSymlink && user) return {};
  OverrideStat value = OverrideOf(attr);
  value.uid = uid.value_or(attr.uid);
  value.gid = gid.value_or(attr.gid);
  return SetOverrideStat(at, value);
}

Sys<Fd> Upper::OpenFile(sys::At at, int flags) const {
  return DespiteMode(modes_, uid_, at, [&](sys::At file) {
    Sys<Fd> fd = sys::Open(file, flags | O_NOATIME);
    // Only the owner of the file and root may.
    if (!fd && fd.error().code == EPERM) fd = sys::Open(file, flags);
    return fd;
  });
}

Sys<void> Upper::SetMode(sys::At at, uint32_t mode) const {
  if (!HasOverrideStat()) return sys::Chmod(at, mode);
  VENEER_TRY(const Attr attr, Stat(at));
  // The file system would do that with its own mode.
  if (const auto acl = sys::GetXattr(at, kAclAccess)) {
    if (const auto changed = AclWithMode(*acl, mode)) {
      VENEER_TRY_VOID(sys::SetXattr(at, kAclAccess, *changed, 0));
    }
  }
  OverrideStat value = OverrideOf(attr);
  value.mode = mode;
  return SetOverrideStat(at, value);
}

Sys<void> Upper::SetOverrideStat(sys::At at, const OverrideStat& value) const {
  return sys::SetXattr(at, privates_.override_stat, FormatOverrideStat(value), 0);
}

Sys<void> Upper::SetMark(sys::At at, std::string_view mark, const std::string& value) const {
  return DespiteMode(modes_, uid_, at,
                     [&](sys::At to) { return sys::SetXattr(to, Mark(mark).c_str(), value, 0); });
}

Sys<void> Upper::ClearMark(sys::At at, std::string_view mark) const {
  return DespiteMode(modes_, uid_, at, [&](sys::At from) -> Sys<void> {
    const auto removed = sys::RemoveXattr(from, Mark(mark).c_str());
    if (!removed && removed.error().code != ENODATA) return removed;
    return {};
  });
}

Sys<void> Upper::SetOpaque(sys::At dir) const { return SetMark(dir, kMarkOpaque, "y"); }

Sys<void> Upper::SetRedirect(sys::At at, std::string_view path) const {
  return SetMark(at, kMarkRedirect, std::string("/").append(path));
}

Sys<void> Upper::ClearMetacopy(sys::At file) const {
  VENEER_TRY_VOID(ClearMark(file, kMarkMetacopy));
  return ClearMark(file, kMarkRedirect);
}

Sys<void> Upper::Sync(int fd, bool data_only) const {
  if (options_.is_volatile) return {};
  return sys::Sync(fd, data_only);
}

Sys<void> Upper::SyncAll() const {
  if (options_.is_volatile) return {};
  return sys::SyncFs(root_.get());
}

TimesGuard::TimesGuard(sys::At dir) : dir_(dir) {
  const auto st = sys::Stat(dir);
  if (!st) return;
  known_ = true;
  times_[0] = st->st_atim;
  times_[1] = st->st_mtim;
}

TimesGuard::~TimesGuard() {
  if (!known_) return;
  const auto set = sys::SetTimes(dir_, times_);
  IgnoreError(set, "only the time of a directory whose entries did not change for anybody");
}

}  // namespace veneer
