// SPDX-License-Identifier: Apache-2.0
//
// What libmount keeps of a mount beside the kernel, in /run/mount/utab: one line "SRC=… TARGET=…
// ROOT=/ OPTS=…" for each, with octal escapes as in proc(5). umount(8) needs an entry here to find
// the helper of a fuse.SUBTYPE that root unmounts: without one it asks statfs(2) alone, which says
// "fuse" of them all. `uhelper=` names the helper (umount(8)).
//
// All of it is for umount(8)'s sake and is done as well as can be: where there is no such table, or
// it cannot be written, unmounting works, and does not wait.
#ifndef VENEER_LAYERDB_BASE_USER_MOUNT_TABLE_H_
#define VENEER_LAYERDB_BASE_USER_MOUNT_TABLE_H_

#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

// Notes that veneerfs' helper unmounts what is mounted at `target`, an absolute path without
// symlinks; `source` as in the list of mounts. REQUIRES: root.
Sys<void> NoteUnmountHelper(const std::string& source, const std::string& target);
// Takes that back. Does nothing where nothing was noted.
Sys<void> ForgetUnmountHelper(const std::string& target);

// The text of the table without veneerfs' entries for targets that `dropped` says true of. Pure, as
// the next one.
std::string WithoutUnmountHelpers(std::string_view table,
                                  FunctionRef<bool(const std::string&)> dropped);
std::string UnmountHelperEntry(std::string_view source, std::string_view target);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_USER_MOUNT_TABLE_H_
