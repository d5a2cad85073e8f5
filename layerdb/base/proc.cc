// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/proc.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "layerdb/base/fd.h"
#include "layerdb/base/files.h"
#include "layerdb/base/mount_table.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/served_mount.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

// "12: FLOCK  ADVISORY  WRITE 1234 00:01:5678 0 EOF"; "12: -> FLOCK ..." waits for it.
std::optional<FileLock> ParseLock(const std::string& line) {
  std::istringstream fields(line);
  std::string number;
  std::string mode;
  std::string access;
  std::string pid;
  std::string start;
  FileLock lock;
  if (!(fields >> number >> lock.kind >> mode >> access >> pid >> lock.file >> start)) return {};
  if (lock.kind == "->" || !ParseNumber(pid, &lock.pid) || lock.pid <= 0) return {};
  if (!ParseNumber(start, &lock.start)) return {};
  lock.exclusive = access == "WRITE";
  return lock;
}

// The device that the kernel knows a file system by: on btrfs, stat(2) gives that of the subvolume.
// nullopt: the mount is not in the table, as those within the kernel are not.
std::optional<dev_t> SuperblockOf(int fd) {
  struct statx stx {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) != 0) return std::nullopt;
  const Result<std::vector<MountEntry>> table = ReadMountTable();
  if ((stx.stx_mask & STATX_MNT_ID) == 0 || !table) return std::nullopt;
  const std::string id = std::to_string(stx.stx_mnt_id);
  const auto mount = std::ranges::find(*table, id, &MountEntry::id);
  return mount == table->end() ? std::nullopt : ParseDevice(mount->device);
}

}  // namespace

std::string ProcessPath(pid_t pid) { return "/proc/" + std::to_string(pid); }

std::vector<int> NumbersIn(const std::string& directory) {
  std::vector<int> numbers;
  const Sys<std::vector<std::string>> names = NamesIn(directory);
  if (!names) return numbers;
  for (const std::string& name : *names) {
    int number = 0;
    if (ParseNumber(name, &number)) numbers.push_back(number);
  }
  return numbers;
}

// The fields are separated by blanks, but the second is a name in parentheses that may hold
// anything.
std::optional<TaskStat> ParseTaskStat(std::string_view text) {
  const size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  std::istringstream fields{std::string(text.substr(name_end + 1))};
  TaskStat stat;
  uint64_t user = 0;
  uint64_t system = 0;
  std::string skipped;
  fields >> stat.state >> stat.parent;
  for (int field = 5; field < 14; ++field) fields >> skipped;
  fields >> user >> system;
  for (int field = 16; field < 22; ++field) fields >> skipped;
  if (!(fields >> stat.start_time)) return std::nullopt;
  stat.ticks = user + system;
  return stat;
}

Sys<TaskStat> ReadTaskStat(const std::string& directory) {
  const Sys<std::string> text = ReadFile(directory + "/stat", 4096);
  if (!text) return Fail(text.error().code == ENOENT ? ESRCH : text.error().code);
  const std::optional<TaskStat> stat = ParseTaskStat(*text);
  if (!stat) return Fail(EIO);
  return *stat;
}

std::vector<gid_t> ParseGroups(std::string_view status) {
  constexpr std::string_view kLine = "\nGroups:\t";
  std::vector<gid_t> groups;
  const size_t at = status.find(kLine);
  if (at == std::string_view::npos) return groups;
  std::string_view line = status.substr(at + kLine.size());
  line = line.substr(0, line.find('\n'));
  for (gid_t group = 0; TakeNumber(&line, &group);) {
    groups.push_back(group);
    if (line.starts_with(' ')) line.remove_prefix(1);
  }
  return groups;
}

std::vector<gid_t> GroupsOf(pid_t task) {
  // The first holds what most tasks have, the second the 65536 groups that the kernel allows.
  constexpr size_t kLimits[] = {size_t{4} << 10, size_t{1} << 20};
  for (const size_t limit : kLimits) {
    const Sys<std::string> status = ReadFile(ProcessPath(task) + "/status", limit);
    if (!status) break;
    if (status->size() < limit) return ParseGroups(*status);
  }
  return {};
}

std::vector<FileLock> ParseLocks(std::string_view text) {
  std::vector<FileLock> locks;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (auto lock = ParseLock(line)) locks.push_back(*std::move(lock));
  }
  return locks;
}

std::vector<FileLock> ReadLocks() {
  std::ifstream file("/proc/locks");
  std::stringstream text;
  text << file.rdbuf();
  return ParseLocks(text.str());
}

std::optional<FileId> FileBehind(const std::string& link) {
  const Sys<Fd> file = sys::OpenFollowing(link, O_PATH);
  struct statx st = {};
  if (!file || ::statx(file->get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) != 0)
    return {};
  return FileId{makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino};
}

// proc(5): fdinfo has a line "lock: 1: FLOCK ADVISORY WRITE ..." for what was locked through this
// very descriptor.
std::optional<bool> HoldsFlock(const std::string& process, const FileId& file, LockMode mode) {
  const std::string_view access = mode == LockMode::kExclusive ? " WRITE " : " READ ";
  const std::vector<int> descriptors = NumbersIn(process + "/fd");
  // A process without any is as strange as one that hides them.
  bool all_seen = !descriptors.empty();
  for (const int fd : descriptors) {
    const std::optional<FileId> behind = FileBehind(process + "/fd/" + std::to_string(fd));
    if (!behind) all_seen = false;
    if (behind != file) continue;
    std::ifstream info(process + "/fdinfo/" + std::to_string(fd));
    for (std::string line; std::getline(info, line);) {
      if (line.starts_with("lock:") && line.find(" FLOCK ") != std::string::npos &&
          line.find(access) != std::string::npos) {
        return true;
      }
    }
  }
  return all_seen ? std::optional(false) : std::nullopt;
}

std::vector<FileLock> FlocksOn(int fd, Doubtful doubtful) {
  const Sys<struct stat> file = sys::Stat({fd});
  if (!file) return {};
  const dev_t device = SuperblockOf(fd).value_or(file->st_dev);
  char id[64];
  snprintf(id, sizeof id, "%02x:%02x:%lu", major(device), minor(device),
           static_cast<unsigned long>(file->st_ino));
  std::vector<FileLock> locks = ReadLocks();
  std::erase_if(locks,
                [&](const FileLock& lock) { return lock.kind != "FLOCK" || lock.file != id; });
  // With one device for the whole file system, the number says it all.
  if (device == file->st_dev) return locks;
  std::erase_if(locks, [&](const FileLock& lock) {
    return !HoldsFlock(ProcessPath(lock.pid), {file->st_dev, file->st_ino},
                       lock.exclusive ? LockMode::kExclusive : LockMode::kShared)
                .value_or(doubtful == Doubtful::kTaken);
  });
  return locks;
}

}  // namespace veneer
