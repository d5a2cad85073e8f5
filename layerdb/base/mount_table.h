// SPDX-License-Identifier: Apache-2.0
//
// The mounts of this process's namespace, from /proc/self/mountinfo (proc(5)). What a record says
// of a mount is never believed before it was looked up here.
#ifndef VENEER_LAYERDB_BASE_MOUNT_TABLE_H_
#define VENEER_LAYERDB_BASE_MOUNT_TABLE_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

struct MountEntry {
  std::string id;           // "36"
  std::string device;       // "0:55"
  std::string mount_point;  // unescaped
  std::string options;      // per-mount
  std::string type;         // "fuse.veneerfs"
  std::string source;
  std::string file_system_options;
};

// The type that veneerfs mounts carry.
inline constexpr std::string_view kVeneerfsType = "fuse.veneerfs";

// Pure. Lines that do not have the fields of proc(5) are left out.
std::vector<MountEntry> ParseMountInfo(std::string_view text);
Result<std::vector<MountEntry>> ReadMountTable();
// The mounts of another process's namespace.
Result<std::vector<MountEntry>> ReadMountTable(pid_t process);

// The topmost mount at exactly this absolute path.
std::optional<MountEntry> FindMountAt(const std::vector<MountEntry>& table, std::string_view path);

// The absolute path with symlinks of its parents resolved, and not of its last component: asking
// the last one could hang on a dead FUSE mount.
Result<std::string> AbsolutePath(const std::string& path);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_MOUNT_TABLE_H_
