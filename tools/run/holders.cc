// SPDX-License-Identifier: Apache-2.0
#include "tools/run/holders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "layerdb/base/fd.h"
#include "layerdb/base/mount_table.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/proc.h"
#include "layerdb/base/served_mount.h"

namespace veneer {

namespace {

constexpr size_t kNamed = 5;

std::optional<dev_t> DeviceBehind(const std::string& link) {
  const std::optional<FileId> file = FileBehind(link);
  return file ? std::optional(file->device) : std::nullopt;
}

// proc(5): "address perms offset dev inode path", dev in hexadecimal.
bool MapsFrom(const std::string& process, dev_t device) {
  std::ifstream maps(process + "/maps");
  std::string line;
  while (std::getline(maps, line)) {
    std::istringstream fields(line);
    std::string skipped;
    std::string device_text;
    fields >> skipped >> skipped >> skipped >> device_text;
    std::string_view text = device_text;
    unsigned high = 0;
    unsigned low = 0;
    if (!TakeNumber(&text, &high, 16) || !text.starts_with(':')) continue;
    if (ParseNumber(text.substr(1), &low, 16) && makedev(high, low) == device) return true;
  }
  return false;
}

bool Holds(const std::string& process, dev_t device) {
  for (const char* link : {"/cwd", "/root"}) {
    if (DeviceBehind(process + link) == device) return true;
  }
  for (const int fd : NumbersIn(process + "/fd")) {
    if (DeviceBehind(process + "/fd/" + std::to_string(fd)) == device) return true;
  }
  return MapsFrom(process, device);
}

// All but this one.
std::vector<pid_t> OtherProcesses() {
  std::vector<pid_t> others = NumbersIn("/proc");
  std::erase(others, ::getpid());
  return others;
}

std::string CommandOf(const std::string& process) {
  std::ifstream file(process + "/comm");
  std::string name;
  std::getline(file, name);
  std::ranges::replace_if(
      name, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return name;
}

// The mount namespace of a process, as its link in /proc says it; empty: it may not be looked at.
std::string MountNamespaceOf(const std::string& process) {
  std::array<char, 64> text;
  const ssize_t n = ::readlink((process + "/ns/mnt").c_str(), text.data(), text.size());
  return n > 0 ? std::string(text.data(), n) : std::string();
}

// Where a table has the file system of a mount; a device alone may be another's by now.
std::string MountPointOf(const Result<std::vector<MountEntry>>& table, const MountEntry& mount) {
  if (!table) return {};
  for (const MountEntry& entry : *table) {
    if (entry.device == mount.device && entry.type == mount.type && entry.source == mount.source) {
      return entry.mount_point;
    }
  }
  return {};
}

}  // namespace

std::string MountedElsewhereWords(const MountEntry& mount) {
  if (const std::string here = MountPointOf(ReadMountTable(), mount); !here.empty()) {
    return "the mount at " + here;
  }
  // Of each namespace once, since a table may be long.
  std::map<std::string, bool> known = {{MountNamespaceOf("/proc/self"), false}};
  std::vector<Holder> holders;
  for (const pid_t pid : OtherProcesses()) {
    const std::string process = ProcessPath(pid);
    const std::string space = MountNamespaceOf(process);
    const auto seen = space.empty() ? known.end() : known.find(space);
    const bool mounted =
        seen != known.end() ? seen->second : !MountPointOf(ReadMountTable(pid), mount).empty();
    if (!space.empty()) known[space] = mounted;
    if (mounted) holders.push_back({pid, CommandOf(process)});
  }
  return holders.empty() ? "" : HolderWords(holders) + " in another mount namespace";
}

std::vector<Holder> HoldersOf(std::string_view device) {
  std::vector<Holder> holders;
  const std::optional<dev_t> wanted = ParseDevice(device);
  if (!wanted) return holders;
  for (const pid_t pid : OtherProcesses()) {
    const std::string process = ProcessPath(pid);
    if (Holds(process, *wanted)) holders.push_back({pid, CommandOf(process)});
  }
  return holders;
}

std::optional<pid_t> LockHolderOf(const std::string& path, std::optional<pid_t> first) {
  const std::optional<FileId> file = FileBehind(path);
  if (!file) return std::nullopt;
  const auto holds = [&](pid_t pid) {
    return HoldsFlock(ProcessPath(pid), *file, LockMode::kExclusive).value_or(false);
  };
  if (first && holds(*first)) return first;
  for (const pid_t pid : OtherProcesses()) {
    if (holds(pid)) return pid;
  }
  return std::nullopt;
}

std::string HolderWords(const std::vector<Holder>& holders) {
  std::string words;
  // One that is left over is named rather than counted.
  const size_t named = holders.size() <= kNamed + 1 ? holders.size() : kNamed;
  for (size_t i = 0; i < named; ++i) {
    if (i > 0) words += i + 1 == holders.size() ? " and " : ", ";
    words += holders[i].command + " (pid " + std::to_string(holders[i].pid) + ")";
  }
  if (named < holders.size()) words += " and " + std::to_string(holders.size() - named) + " more";
  return words;
}

}  // namespace veneer
