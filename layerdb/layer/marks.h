// SPDX-License-Identifier: Apache-2.0
//
// Reading an object of a plain directory in whichever dialect it is written: is it a whiteout, what
// marks does it carry, what attributes. Shared by DirLayer (lower layers) and fs/upper, which reads
// its own files the same way. Stateless; thread-safe.
#ifndef VENEER_LAYERDB_LAYER_MARKS_H_
#define VENEER_LAYERDB_LAYER_MARKS_H_

#include <sys/stat.h>

#include "layerdb/base/sys.h"
#include "layerdb/layer/layer.h"
#include "layerdb/model/dialect.h"
#include "layerdb/model/entry.h"

namespace veneer {

// What struct stat says, as an Attr. Attr::ino is st_ino as it is.
Attr AttrFromStat(const struct stat& st);
// When an object was made; none where its file system does not say.
Sys<std::optional<Timestamp>> ReadBirthTime(sys::At at);

// A time as the system calls want it; UTIME_OMIT where there is none.
timespec ToTimespec(const std::optional<Timestamp>& time);

// The kernel's whiteout: a character device 0:0.
bool IsDeviceWhiteout(const struct stat& st);

// False for a file that has too many blocks to be a metadata-only copy: it need not be asked for
// marks.
bool MayBeMetacopy(const struct stat& st);

// How a directory tree is written, as its root tells.
struct TreeNotation {
  PrivateNames privates;
  // Of an upper of this project: where its marks are, kTrustedOverlay or kUserOverlay; else empty.
  std::string_view upper;
  // The first of kOverrideStats at the root, also where it does not count (PrivateNames): root's
  // marks do not speak of it.
  const char* override_stat_seen = nullptr;
};
TreeNotation NotationOf(sys::At root);

// Makes a directory an upper from here on, if it is none yet: chooses the namespace of its marks
// and notes that on it. EOPNOTSUPP and the like: its file system, or our rights, allow no marks in
// it.
Sys<TreeNotation> BecomeUpper(sys::At root);

// Notes on an upper that the owners and modes of what is in it are in the xattr `name`, one of
// kOverrideStats. Whoever sets that at the root comes first: in an ordinary user's upper it alone
// says so.
Sys<void> KeepOverrideStats(sys::At root, const char* name);

// The marks of a directory or regular file; none for anything else. `aufs`: a ".wh..wh..opq" in it
// makes a directory opaque. Redirects that are not absolute are given with `parent_path` ("" or
// "a/b") in front. EACCES: an ordinary user may not read the user.* xattrs of an object that it may
// not read.
Sys<Marks> ReadMarks(sys::At at, const struct stat& st, const PrivateNames& privates, bool aufs,
                     std::string_view parent_path);

// True when a listing of the directory must look for whiteouts of the xattr form (overlayfs.rst:
// opaque is "x"), and whether a regular file is one. A lookup goes by the file alone, as the
// kernel's does.
bool HoldsXattrWhiteouts(sys::At dir, const PrivateNames& privates);
bool IsXattrWhiteout(sys::At file, const struct stat& st, const PrivateNames& privates);

// Applies what the xattr `override_stat` says, where the object has it.
void ApplyOverrideStat(sys::At at, const char* override_stat, Attr& attr);

// What the xattr must say for an object to be read with the owner, mode and, for special files, the
// type and device of `attr`.
OverrideStat OverrideOf(const Attr& attr);

// The xattrs that a user of the tree set: marks left out, escaped names unescaped. One of them:
// ENODATA when it is not there.
struct UserXattrName {
  std::string shown;
  std::string on_disk;
};
Sys<std::vector<UserXattrName>> ListUserXattrs(sys::At at, const PrivateNames& privates);
Sys<std::string> ReadUserXattr(sys::At at, std::string_view name, const PrivateNames& privates);
Sys<XattrList> ReadUserXattrs(sys::At at, const PrivateNames& privates);

}  // namespace veneer

#endif  // VENEER_LAYERDB_LAYER_MARKS_H_
