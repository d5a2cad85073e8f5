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
// A time as the system calls want it; UTIME_OMIT where there is none.
timespec ToTimespec(const std::optional<Timestamp>& time);

// The kernel's whiteout: a character device 0:0.
bool IsDeviceWhiteout(const struct stat& st);

// False for a file that has too many blocks to be a metadata-only copy: it need not be asked for marks.
bool MayBeMetacopy(const struct stat& st);

// The marks of a directory or regular file; none for anything else. `aufs`: a ".wh..wh..opq" in it makes a directory
// opaque. Redirects that are not absolute are given with `parent_path` ("" or "a/b") in front.
// EACCES: an ordinary user may not read the user.* xattrs of an object that it may not read.
Sys<Marks> ReadMarks(sys::At at, const struct stat& st, bool aufs, std::string_view parent_path);

// True when the directory may hold whiteouts of the xattr form (overlayfs.rst: opaque is "x"), and
// whether a regular file in it is one.
bool HoldsXattrWhiteouts(sys::At dir);
bool IsXattrWhiteout(sys::At file, const struct stat& st);

// True for the root of a directory that was an upper: what is hidden there is marked as overlayfs does, and a file may be
// called ".wh.x".
bool IsOverlayUpper(sys::At root);

// Applies user.containers.override_stat, where the object has it.
void ApplyOverrideStat(sys::At at, Attr& attr);

// What the xattr must say for an object to be read with the owner, mode and, for special files, the
// type and device of `attr`.
OverrideStat OverrideOf(const Attr& attr);

// The xattrs that a user of the tree set: marks left out, escaped names unescaped.
Sys<XattrList> ReadUserXattrs(sys::At at);

}  // namespace veneer

#endif  // VENEER_LAYERDB_LAYER_MARKS_H_
