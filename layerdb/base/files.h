// SPDX-License-Identifier: Apache-2.0
//
// Files and directories by their paths: looking at those that somebody may have put others in the
// place of, locking and replacing them, and making them outlast a power cut. What was written to a
// file is on the disk after the file was synced, and the names in a directory after the directory
// was, whatever was synced below. Whoever acknowledges a change does both first, from the inside
// out.
//
// Thread-safe.
#ifndef VENEER_LAYERDB_BASE_FILES_H_
#define VENEER_LAYERDB_BASE_FILES_H_

#include <fcntl.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

// A regular file for reading; `path` is below the directory `at`. What is something else is not
// waited for, as a fifo would be, nor followed: EISDIR, ELOOP for a symlink, EIO for the rest.
Sys<Fd> OpenRegularFile(const std::string& path, int at = AT_FDCWD);

// The first `limit` bytes of a file, fewer where it ends before.
Sys<std::string> ReadFile(const std::string& path, size_t limit);

// False also for what cannot be looked at.
bool Exists(const std::string& path);

// The names in a directory, in no order; none when there is no such directory. Never throws for
// what it meets.
Sys<std::vector<std::string>> NamesIn(const std::string& path);

// A directory that is there already is as good.
Sys<void> EnsureDir(const std::string& path, mode_t mode);
// A file that is not there is as good.
Sys<void> RemoveFile(const std::string& path);

enum class LockMode { kShared, kExclusive };
inline constexpr std::chrono::milliseconds kNoPatience{0};
inline constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();
// Locks what `fd` has open, a file or a directory, for as long as any copy of the descriptor lives
// (flock(2)). False: somebody else had it locked for all of `patience`.
Sys<bool> TakeLock(int fd, LockMode mode, std::chrono::milliseconds patience);
// The same with the file `path`, which is made (mode 0600) where it is missing. No descriptor:
// somebody else had it locked.
Sys<Fd> OpenLocked(const std::string& path, LockMode mode, std::chrono::milliseconds patience);

// Renames the file `from` onto `to`, whatever is there: a directory, which rename(2) would not
// replace, is removed first. REQUIRES: nobody else uses the directory `to`.
Sys<void> ReplaceByFile(const std::string& from, const std::string& to);

// A file with its attributes, or a directory with its own and its names. The last component is
// never followed. The error names the path.
Result<void> SyncPath(const std::string& path);

// A directory as SyncPath() does, after each file in it. What is deeper is not touched.
Result<void> SyncDirectoryOfFiles(const std::string& path);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_FILES_H_
