// SPDX-License-Identifier: Apache-2.0
#include "fs/mappings.h"

#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/log.h"
#include "layerdb/base/mount_table.h"
#include "layerdb/base/proc.h"
#include "layerdb/base/served_mount.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

bool IsNamed(const MountEntry& entry, const MountName& name) {
  return entry.type == name.type && entry.source == name.source;
}

bool IsOthers(dev_t device) {
  const std::optional<pid_t> server = ServerOf(device);
  return server && *server != ::getpid();
}

}  // namespace

void FlushMappingsAt(const std::string& mount_point) {
  const Sys<Fd> root = sys::OpenFollowing(mount_point, O_RDONLY | O_DIRECTORY);
  const Sys<void> synced = root ? sys::SyncFs(root->get()) : Fail(root.error());
  if (!synced) {
    LogWarning("writing back " + mount_point + " failed: " + ErrnoText(synced.error().code));
  }
}

dev_t DeviceOfMount(const MountName& name) {
  std::set<dev_t> devices;
  if (const auto table = ReadMountTable()) {
    for (const MountEntry& entry : *table) {
      if (IsNamed(entry, name)) devices.insert(ParseDevice(entry.device).value_or(0));
    }
  }
  return devices.size() == 1 ? *devices.begin() : ServedMount::kUnknown;
}

void FlushMappingsOf(const MountName& name) {
  std::set<dev_t> done;
  for (const pid_t pid : NumbersIn("/proc")) {
    const auto table = ReadMountTable(pid);
    if (!table) continue;
    for (const MountEntry& entry : *table) {
      const std::optional<dev_t> device = ParseDevice(entry.device);
      if (!IsNamed(entry, name) || !device || IsOthers(*device)) continue;
      // The root of a process may be this mount.
      const std::string path = ProcessPath(pid) + "/root" + entry.mount_point;
      if (done.contains(*device) || ::access(path.c_str(), F_OK) != 0) continue;
      done.insert(*device);
      FlushMappingsAt(path);
    }
  }
  if (done.empty()) {
    LogWarning("what programs wrote through mappings may be lost: the mount of " + name.source +
               " cannot be found");
  }
}

}  // namespace veneer
