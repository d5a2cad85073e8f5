// SPDX-License-Identifier: Apache-2.0
#include "layerdb/layer/marks.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>

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

bool MayBeMetacopy(const struct stat& st) {
  // A metadata-only file is one hole; what blocks it has are those of its xattrs, two at the most.
  constexpr blkcnt_t kXattrBlocks = 16;
  return S_ISREG(st.st_mode) && (st.st_blocks <= kXattrBlocks || st.st_blocks * 512 < st.st_size);
}

bool IsDeviceWhiteout(const struct stat& st) { return S_ISCHR(st.st_mode) && st.st_rdev == 0; }

namespace {

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

// The value of a mark in either namespace, whichever of `names` holds it.
Sys<std::optional<std::string>> MarkValue(sys::At at, const std::vector<std::string>& names,
                                          std::string_view mark) {
  for (const auto space : {kTrustedOverlay, kUserOverlay}) {
    const std::string name = std::string(space).append(mark);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    auto value = sys::GetXattr(at, name.c_str());
    if (value) return *std::move(value);
    if (value.error().code != ENODATA) return Fail(value.error());
  }
  return std::nullopt;
}

}  // namespace

Sys<Marks> ReadMarks(sys::At at, const struct stat& st, bool aufs, std::string_view parent_path) {
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
      VENEER_TRY(const auto mark, MarkValue(at, *names, kMarkOpaque));
      const std::string opaque = mark.value_or("");
      marks.xattr_whiteouts = opaque == "x";
      marks.opaque = opaque == "y" ||
                     std::find(names->begin(), names->end(), kFuseOverlayOpaque) != names->end();
    } else {
      VENEER_TRY(const auto metacopy, MarkValue(at, *names, kMarkMetacopy));
      marks.metacopy = metacopy.has_value();
    }
    if (directory || marks.metacopy) {
      VENEER_TRY(const auto redirect, MarkValue(at, *names, kMarkRedirect));
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

bool IsOverlayUpper(sys::At root) {
  for (const std::string_view space : {kTrustedOverlay, kUserOverlay}) {
    if (sys::GetXattr(root, std::string(space).append(kMarkUpper).c_str())) return true;
  }
  return false;
}

bool HoldsXattrWhiteouts(sys::At dir) {
  const auto names = sys::ListXattr(dir);
  return names && MarkValue(dir, *names, kMarkOpaque) == "x";
}

bool IsXattrWhiteout(sys::At file, const struct stat& st) {
  if (!S_ISREG(st.st_mode) || st.st_size != 0) return false;
  const auto names = sys::ListXattr(file);
  return names && MarkValue(file, *names, kMarkWhiteout).has_value();
}

void ApplyOverrideStat(sys::At at, Attr& attr) {
  const auto value = sys::GetXattr(at, kOverrideStat);
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
  const auto a = std::from_chars(numbers.data(), numbers.data() + dash, major_number);
  const auto b =
      std::from_chars(numbers.data() + dash + 1, numbers.data() + numbers.size(), minor_number);
  if (a.ec != std::errc() || b.ec != std::errc()) return;
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

Sys<XattrList> ReadUserXattrs(sys::At at) {
  XattrList out;
  const auto names = sys::ListXattr(at);
  if (!names) {
    if (names.error().code == EOPNOTSUPP) return out;
    return Fail(names.error());
  }
  for (const std::string& on_disk : *names) {
    auto name = UnescapeXattr(on_disk);
    if (!name) continue;
    auto value = sys::GetXattr(at, on_disk.c_str());
    if (value) {
      out.emplace_back(*std::move(name), *std::move(value));
    } else if (value.error().code != ENODATA && value.error().code != EOPNOTSUPP) {
      return Fail(value.error());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace veneer
