// SPDX-License-Identifier: Apache-2.0
//
// Who keeps a file system in use: the processes that have a working directory, a root, an open file
// or a mapping in it. Read from /proc without asking the file system itself, whose daemon may be
// stuck or may refuse others.
#ifndef VENEER_TOOLS_RUN_HOLDERS_H_
#define VENEER_TOOLS_RUN_HOLDERS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/mount_table.h"
#include "layerdb/base/result.h"

namespace veneer {

struct Holder {
  pid_t pid = 0;
  std::string command;  // as ps shows it, control characters replaced
};

// The holders of a file system, by its device as the mount table has it ("0:55"); never this
// process. Those of other users are found by root only.
std::vector<Holder> HoldersOf(std::string_view device);

// The process that holds an exclusive flock(2) on a file or directory, by the number that it has
// here; nullopt: there is none, or it cannot be seen from here (another PID namespace, another
// user). `first`: looked at before all others.
std::optional<pid_t> LockHolderOf(const std::string& path, std::optional<pid_t> first);

// Where else the file system of a mount is mounted: "the mount at /mnt", or "sleep (pid 12) in
// another mount namespace" for the processes of those namespaces that can be looked into; empty:
// nowhere.
std::string MountedElsewhereWords(const MountEntry& mount);

// "sleep (pid 12), sh (pid 13) and 3 more". Pure; empty for none.
std::string HolderWords(const std::vector<Holder>& holders);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_HOLDERS_H_
