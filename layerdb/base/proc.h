// SPDX-License-Identifier: Apache-2.0
//
// What the kernel tells of processes and of locks (proc(5)), as far as they are seen from this pid
// namespace.
//
// Thread-safe.
#ifndef VENEER_LAYERDB_BASE_PROC_H_
#define VENEER_LAYERDB_BASE_PROC_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/files.h"
#include "layerdb/base/result.h"

namespace veneer {

// The directory of a process: "/proc/12".
std::string ProcessPath(pid_t pid);

// The entries of a directory of /proc that are numbers: the processes in /proc itself, the threads
// in task of one, the descriptors in fd of one. In no order; none when it cannot be read.
std::vector<int> NumbersIn(const std::string& directory);

// Of a process, or of one of its threads.
struct TaskStat {
  char state = '\0';
  pid_t parent = 0;
  uint64_t ticks = 0;       // how long it has used a processor, in clock ticks
  uint64_t start_time = 0;  // in clock ticks since boot

  bool IsGone() const { return state == 'Z' || state == 'X'; }
};

// The text of a file stat. Pure.
std::optional<TaskStat> ParseTaskStat(std::string_view text);
// The file stat in the directory of a process or a thread. ESRCH: there is none.
Sys<TaskStat> ReadTaskStat(const std::string& directory);

// The supplementary groups in the text of a file status. Pure.
std::vector<gid_t> ParseGroups(std::string_view status);
// Those of a process or a thread; none when it is gone.
std::vector<gid_t> GroupsOf(pid_t task);

struct FileLock {
  std::string kind;  // "FLOCK", "POSIX", ...
  bool exclusive = false;
  pid_t pid = 0;
  std::string file;    // "MAJOR:MINOR:INODE", the first two in hexadecimal
  uint64_t start = 0;  // the first byte
  friend bool operator==(const FileLock&, const FileLock&) = default;
};

// The locks that are held by processes, in the text of /proc/locks. Pure. Who waits for one has
// none.
std::vector<FileLock> ParseLocks(std::string_view text);
std::vector<FileLock> ReadLocks();

// A file as stat(2) tells it from all others.
struct FileId {
  dev_t device;
  uint64_t ino;
  bool operator==(const FileId&) const = default;
};
// What a link of /proc leads to; nullopt: it may not be looked at, or is gone. Nothing but its
// identity is asked for, so FUSE answers without its daemon.
std::optional<FileId> FileBehind(const std::string& link);

// True when one of the descriptors of a process has this file locked by flock(2). nullopt: they
// cannot all be looked into.
std::optional<bool> HoldsFlock(const std::string& process, const FileId& file, LockMode mode);

// What to do with a lock of which nobody can say whether it is on the very file.
enum class Doubtful { kLeftOut, kTaken };
// Those that flock(2) gave on the file that `fd` is open on, which may be an O_PATH descriptor.
// /proc/locks names the file system and the inode number, which many files have on btrfs: one in
// each subvolume. There each process is asked for the file itself, and `doubtful` is for those of
// others, who do not let themselves be asked.
std::vector<FileLock> FlocksOn(int fd, Doubtful doubtful);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_PROC_H_
