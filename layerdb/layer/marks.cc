// SPDX-License-Identifier: Apache-2.0
#include "layerdb/layer/marks.h"

#include <sys/sysmacros.h>

#include <algorithm>

#include "layerdb/base/parse.h"

namespace veneer {

timespec ToTimespec(const std::optional<Timestamp>& time) {
  if (!time) return {0, UTIME_OMIT};
  return {static_cast<time_t>(time->sec), static_cast<long>(time->nsec)};
}

Attr AttrFromStat(const struct stat& st) {
  Attr attr;
  attr.type = TypeFromMode(st.st_mode);
  attr.mode = st.st_mode & 07777;
  attr.uid = st.st_uid;
  attr.gid = st.st_gid;
  attr.nlink = static_cast<uint32_t>(st.st_nlink);
  attr.rdev_major = major(st.st_rdev);
  attr.rdev_minor = minor(st.st_rdev);
  attr.ino = st.st_ino;
  attr.size = st.st_size;
  attr.blocks = st.st_blocks;
  attr.mtime = {st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)};
  attr.atime = {st.st_atim.tv_sec, static_cast<uint32_t>(st.st_atim.tv_nsec)};
  attr.ctime = {st.st_ctim.tv_sec, static_cast<uint32_t>(st.st_ctim.tv_nsec)};
  return attr;
}

Sys<std::optional<Timestamp>> ReadBirthTime(sys::At at) {
  struct statx stx = {};
  const int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;
  if (::statx(at.fd, at.name, flags, STATX_BTIME, &stx) < 0) return FailErrno();
  if ((stx.stx_mask & STATX_BTIME) == 0) return std::nullopt;
  return Timestamp{stx.stx_btime.tv_sec, stx.stx_btime.tv_nsec};
}

bool MayBeMetacopy(const struct stat& st) {
  // A metadata-only file is one hole; what blocks it has are those of its xattrs, two at the most.
  constexpr blkcnt_t kXattrBlocks = 16;
  return S_ISREG(st.st_mode) && (st.st_blocks <= kXattrBlocks || st.st_blocks * 512 < st.st_size);
}

bool IsDeviceWhiteout(const struct stat& st) { return S_ISCHR(st.st_mode) && st.st_rdev == 0; }

namespace {

// The value of kMarkUpper where the marks of both namespaces count.
constexpr const char* kMixed = "mixed";

Sys<bool> IsEmpty(sys::At dir) {
  VENEER_TRY(const Fd fd, sys::Open(dir, O_RDONLY | O_DIRECTORY));
  bool empty = true;
  VENEER_TRY_VOID(sys::ReadDir(fd.get(), [&](const sys::Dirent&) { empty = false; }));
  return empty;
}

// A redirect as a path from the root, without a leading slash; nullopt when it is not a sane path.
std::optional<std::string> NormalRedirect(std::string_view value, std::string_view parent_path) {
  std::string path;
  if (value.starts_with('/')) {
    path = value.substr(1);
  } else {
    if (value.find('/') != std::string_view::npos) return std::nullopt;
    path = parent_path.empty() ? std::string(value)
                               : std::string(parent_path).append("/").append(value);
  }
  if (path.empty() || path.find('\0') != std::string::npos) return std::nullopt;
  for (std::string_view rest = path; !rest.empty();) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return std::nullopt;
    rest = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
  }
  return path;
}

// The value of a mark in a namespace that counts, whichever of `names` holds it.
Sys<std::optional<std::string>> MarkValue(sys::At at, const std::vector<std::string>& names,
                                          const PrivateNames& privates, std::string_view mark) {
  for (const auto space : {kTrustedOverlay, kUserOverlay}) {
    if (!(space == kTrustedOverlay ? privates.trusted : privates.user)) continue;
    const std::string name = std::string(space).append(mark);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    auto value = sys::GetXattr(at, name.c_str());
    if (value) return *std::move(value);
    if (value.error().code != ENODATA) return Fail(value.error());
  }
  return std::nullopt;
}

bool Has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Nobody else may set it, wherever it is.
bool IsOfRoot(std::string_view name) { return name.starts_with("security."); }

// What the mark of an upper at its root says (kMarkUpper).
struct UpperMark {
  bool by_root = false;    // root has written marks there
  std::string_view space;  // of the mark; empty: there is none
  bool mixed = false;
  std::string override_stat;
};

// Beside marks that root alone can write, the user.* names are of anybody: in a mount of the
// kernel's overlayfs a program sets them, unescaped, where it owns the root.
UpperMark ReadUpperMark(sys::At root, const std::vector<std::string>& names) {
  UpperMark mark;
  // An escaped name is data, and may lie in an ordinary user's upper that root has mounted.
  mark.by_root = std::any_of(names.begin(), names.end(), [](std::string_view name) {
    return name.starts_with(kTrustedOverlay) && !UnescapeXattr(name, PrivateNames());
  });
  const std::string_view space = mark.by_root ? kTrustedOverlay : kUserOverlay;
  const std::string name = std::string(space).append(kMarkUpper);
  if (!Has(names, name)) return mark;
  mark.space = space;
  const std::string value = sys::GetXattr(root, name.c_str()).value_or("");
  const size_t comma = value.find(',');
  mark.mixed = value.substr(0, comma) == kMixed;
  if (comma != std::string::npos) mark.override_stat = value.substr(comma + 1);
  return mark;
}

Sys<void> WriteUpperMark(sys::At root, std::string_view space, bool mixed,
                         const char* override_stat) {
  std::string value = mixed ? kMixed : "y";
  if (space == kTrustedOverlay && override_stat != nullptr) value.append(",").append(override_stat);
  return sys::SetXattr(root, std::string(space).append(kMarkUpper).c_str(), value, 0);
}

}  // namespace

TreeNotation NotationOf(sys::At root) {
  TreeNotation notation;
  const auto names = sys::ListXattr(root);
  if (!names) return notation;
  const UpperMark mark = ReadUpperMark(root, *names);
  notation.upper = mark.space;
  PrivateNames& privates = notation.privates;
  for (const char* name : kOverrideStats) {
    if (!Has(*names, name)) continue;
    if (notation.override_stat_seen == nullptr) notation.override_stat_seen = name;
    const bool counts =
        !mark.by_root || (mark.override_stat.empty() ? IsOfRoot(name) : mark.override_stat == name);
    if (privates.override_stat == nullptr && counts) privates.override_stat = name;
  }
  privates.own_upper = !notation.upper.empty();
  // Without a mark of ours: whoever writes the first of these (the kernel, as root) writes no marks
  // elsewhere.
  if (!mark.mixed && (mark.by_root || privates.own_upper)) {
    privates.trusted = mark.by_root;
    privates.user = !mark.by_root;
    privates.fuse_overlayfs = false;
  }
  return notation;
}

Sys<TreeNotation> BecomeUpper(sys::At root) {
  TreeNotation notation = NotationOf(root);
  if (!notation.upper.empty()) return notation;
  // What is in it already may have marks of either namespace.
  PrivateNames& privates = notation.privates;
  VENEER_TRY(const bool empty, IsEmpty(root));
  const bool mixed = privates.trusted && privates.user && !empty;
  Sys<void> done = Fail(EOPNOTSUPP);
  for (const std::string_view space : {kTrustedOverlay, kUserOverlay}) {
    const bool trusted = space == kTrustedOverlay;
    if (!(trusted ? privates.trusted : privates.user)) continue;
    done = WriteUpperMark(root, space, mixed, privates.override_stat);
    if (!done) continue;
    notation.upper = space;
    privates.own_upper = true;
    if (mixed) return notation;
    privates.trusted = trusted;
    privates.user = !trusted;
    privates.fuse_overlayfs = false;
    return notation;
  }
  return Fail(done.error());
}

Sys<void> KeepOverrideStats(sys::At root, const char* name) {
  VENEER_TRY(const auto names, sys::ListXattr(root));
  const UpperMark mark = ReadUpperMark(root, names);
  if (mark.space != kTrustedOverlay || mark.override_stat == name) return {};
  return WriteUpperMark(root, mark.space, mark.mixed, name);
}

Sys<Marks> ReadMarks(sys::At at, const struct stat& st, const PrivateNames& privates, bool aufs,
                     std::string_view parent_path) {
  Marks marks;
  const bool directory = S_ISDIR(st.st_mode);
  if (!directory && !S_ISREG(st.st_mode)) return marks;

  const auto names = sys::ListXattr(at);
  if (!names) {
    if (names.error().code != EOPNOTSUPP && names.error().code != ENODATA) {
      return Fail(names.error());
    }
  } else if (!names->empty()) {
    if (directory) {
      VENEER_TRY(const auto mark, MarkValue(at, *names, privates, kMarkOpaque));
      const std::string opaque = mark.value_or("");
      marks.xattr_whiteouts = opaque == "x";
      marks.opaque = opaque == "y" ||
                     (privates.fuse_overlayfs &&
                      std::find(names->begin(), names->end(), kFuseOverlayOpaque) != names->end());
    } else {
      VENEER_TRY(const auto metacopy, MarkValue(at, *names, privates, kMarkMetacopy));
      marks.metacopy = metacopy.has_value();
    }
    if (directory || marks.metacopy) {
      VENEER_TRY(const auto redirect, MarkValue(at, *names, privates, kMarkRedirect));
      if (redirect) marks.redirect = NormalRedirect(*redirect, parent_path);
    }
  }
  if (directory && aufs && !marks.opaque) {
    // Two components in one call: the first was seen to be a directory just now.
    const std::string marker =
        at.self() ? std::string(kOpaqueName) : std::string(at.name).append("/").append(kOpaqueName);
    marks.opaque = sys::Stat({at.fd, marker.c_str()}).has_value();
  }
  return marks;
}

bool HoldsXattrWhiteouts(sys::At dir, const PrivateNames& privates) {
  const auto names = sys::ListXattr(dir);
  return names && MarkValue(dir, *names, privates, kMarkOpaque) == "x";
}

bool IsXattrWhiteout(sys::At file, const struct stat& st, const PrivateNames& privates) {
  if (!S_ISREG(st.st_mode) || st.st_size != 0) return false;
  const auto names = sys::ListXattr(file);
  if (!names) return false;
  const auto mark = MarkValue(file, *names, privates, kMarkWhiteout);
  return mark && *mark;
}

void ApplyOverrideStat(sys::At at, const char* override_stat, Attr& attr) {
  const auto value = sys::GetXattr(at, override_stat);
  if (!value) return;
  const auto parsed = ParseOverrideStat(*value);
  if (!parsed) return;
  attr.uid = parsed->uid;
  attr.gid = parsed->gid;
  attr.mode = parsed->mode;
  const std::string_view type = parsed->type;
  if (attr.type != FileType::kRegular || type.empty()) return;
  if (type == "pipe") attr.type = FileType::kFifo;
  if (type == "socket") attr.type = FileType::kSocket;
  const bool block = type.starts_with("block-");
  if (!block && !type.starts_with("char-")) return;
  const std::string_view numbers = type.substr(block ? 6 : 5);
  const size_t dash = numbers.find('-');
  if (dash == std::string_view::npos) return;
  uint32_t major_number = 0;
  uint32_t minor_number = 0;
  std::string_view major_text = numbers.substr(0, dash);
  std::string_view minor_text = numbers.substr(dash + 1);
  if (!TakeNumber(&major_text, &major_number) || !TakeNumber(&minor_text, &minor_number)) return;
  attr.type = block ? FileType::kBlockDevice : FileType::kCharDevice;
  attr.rdev_major = major_number;
  attr.rdev_minor = minor_number;
}

OverrideStat OverrideOf(const Attr& attr) {
  OverrideStat value{attr.uid, attr.gid, attr.mode, {}};
  const std::string device =
      std::to_string(attr.rdev_major).append("-").append(std::to_string(attr.rdev_minor));
  switch (attr.type) {
    case FileType::kFifo: value.type = "pipe"; break;
    case FileType::kSocket: value.type = "socket"; break;
    case FileType::kBlockDevice: value.type = "block-" + device; break;
    case FileType::kCharDevice: value.type = "char-" + device; break;
    default: break;  // as on disk
  }
  return value;
}

Sys<std::string> ReadUserXattr(sys::At at, std::string_view name, const PrivateNames& privates) {
  auto value = sys::GetXattr(at, EscapeXattr(name, privates).c_str());
  if (value || value.error().code != ENODATA || !MayBeUnescaped(name, privates)) return value;
  return sys::GetXattr(at, std::string(name).c_str());
}

Sys<std::vector<UserXattrName>> ListUserXattrs(sys::At at, const PrivateNames& privates) {
  VENEER_TRY(const std::vector<std::string> names, sys::ListXattr(at));
  std::vector<UserXattrName> out;
  for (const std::string& on_disk : names) {
    auto shown = UnescapeXattr(on_disk, privates);
    if (!shown) continue;
    const bool twice =
        *shown == on_disk && MayBeUnescaped(on_disk, privates) &&
        std::find(names.begin(), names.end(), EscapeXattr(on_disk, privates)) != names.end();
    if (!twice) out.push_back({*std::move(shown), on_disk});
  }
  return out;
}

Sys<XattrList> ReadUserXattrs(sys::At at, const PrivateNames& privates) {
  XattrList out;
  auto names = ListUserXattrs(at, privates);
  if (!names) {
    if (names.error().code == EOPNOTSUPP) return out;
    return Fail(names.error());
  }
  for (UserXattrName& name : *names) {
    auto value = sys::GetXattr(at, name.on_disk.c_str());
    if (value) {
      out.emplace_back(std::move(name.shown), *std::move(value));
    } else if (value.error().code != ENODATA && value.error().code != EOPNOTSUPP) {
      return Fail(value.error());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace veneer
