// SPDX-License-Identifier: Apache-2.0
//
// Containers and their mounts: mounting, unmounting, and the truth about what is mounted. What the
// store has recorded is only a hint; what counts is the mount table and the lease of the daemon
// (layerdb/catalog/lease.h).
#ifndef VENEER_TOOLS_RUN_CONTAINER_MOUNT_H_
#define VENEER_TOOLS_RUN_CONTAINER_MOUNT_H_

#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/store/store.h"
#include "tools/run/daemon.h"

namespace veneer {

enum class MountState {
  kNone,
  kMounted,  // at `mount_point`, and it answers
  kSession,  // where only those see it who are in it: by `veneer chroot`, or unmounted lazily
  kDead,     // at `mount_point`, but its daemon is gone
};

struct MountStatus {
  MountState state = MountState::kNone;
  std::string mount_point;
  std::optional<ProcessId> daemon;  // when it is known
  bool unmounting = false;          // kSession: unmounted, and it ends with the last open file
  // kMounted: in another mount namespace, so that `mount_point` is something else here.
  bool elsewhere = false;
};

// How a container is mounted now. Waits a moment for a daemon whose mount was just taken away; the
// calls of one process wait together no longer than one of them.
Result<MountStatus> StatusOf(Store& store, const ContainerRecord& container);

struct MountRequest {
  std::string mount_point;  // empty: a directory of the container's own
  bool read_only = false;
  std::vector<std::string> options;  // for veneerfs
};

// Mounts a container. Returns the mount point. A mount point whose last component is missing is
// made. kInUse, saying where, when it is mounted already or the mount point holds another
// container. A dead mount is cleared away first. REQUIRES: the container's lock.
Result<std::string> MountContainer(Store& store, const ContainerRecord& container,
                                   const MountRequest& request);

// Unmounts a container wherever it is mounted, and waits until its daemon has written everything
// and is gone. kInUse, naming the processes, when files are in use (unless `lazy`) or a session
// runs in it; kFailed when it is not mounted. REQUIRES: its lock.
Result<void> UnmountContainer(Store& store, const ContainerRecord& container, bool lazy);

// Ends every use of a container that is to be removed: ends its sessions, detaches its mounts and
// ends its daemon. Other processes with files open in it are not touched; they get ENOTCONN from
// then on. REQUIRES: its lock.
Result<void> DetachContainer(Store& store, const ContainerRecord& container);

// True when the mount of a container is for the user alone who made it (no allow_other): of the
// users inside, only root may do anything there.
bool IsForItsUserAlone(const MountStatus& status);

// Makes what programs wrote reach the writable layer. Does nothing for a container that is not
// mounted here.
Result<void> SyncContainer(const MountStatus& status);

// What a daemon for this container is told, with the merged tree made if need be.
Result<DaemonSpec> DaemonSpecOf(Store& store, const ContainerRecord& container);

// The record of mount stubs, and the default mount point.
std::string StubRecordOf(const Store& store, const ContainerRecord& container);
std::string DefaultMountPoint(const Store& store, const ContainerRecord& container);

// Takes away what killed sessions left in the container's tree. REQUIRES: its lock.
void RemoveStaleStubs(Store& store, const ContainerRecord& container, const MountStatus& status);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_CONTAINER_MOUNT_H_
