// SPDX-License-Identifier: Apache-2.0
//
// The part of Containers that removes them.
#include <unistd.h>

#include <cstdio>

#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/catalog/lease.h"
#include "layerdb/catalog/records.h"
#include "layerdb/catalog/staging_dir.h"
#include "layerdb/index/kv.h"

namespace veneer {
namespace {

// Who only asks for a lease has it for a moment.
constexpr std::chrono::milliseconds kLeasePatience{200};

tl::unexpected<Error> InUse(const ContainerRecord& record) {
  const bool where = record.mount && !record.mount->mount_point.empty();
  return tl::unexpected(Error("container " + record.name + " is " +
                                  (where ? "mounted on " + record.mount->mount_point : "in use"),
                              ExitCode::kInUse)
                            .Because(Reason::kContainerInUse, record.name));
}

// Makes room: removes upper and work of a container whose record is still there. The upper is out
// of its place at once, so that nobody mounts half of it if this is killed.
void RemoveInPlace(const std::string& container) {
  const std::string upper = container + "/upper";
  const std::string removed = container + "/removed";
  const bool moved = sys::Rename(sys::Path(upper), sys::Path(removed), 0).has_value();
  for (const std::string& dir : {moved ? removed : upper, container + "/work"}) {
    IgnoreError(RemoveTree(dir), "what is left is met again behind the record's removal");
  }
}

}  // namespace

Result<void> Containers::Remove(std::string_view name) {
  VENEER_TRY(const ContainerRecord record, Get(name));
  if (record.mount) return InUse(record);
  // From here on nothing begins to serve it.
  const std::string work = layout_.work(record.name);
  const Sys<std::optional<Fd>> unserved = TakeLease(work, kLeasePatience);
  if (unserved && !*unserved) return InUse(record);
  const int code = unserved ? ENOENT : unserved.error().code;
  // What is left of one whose removal was interrupted, or that was damaged, has no such directory.
  if (code != ENOENT && code != ENOTDIR && code != ELOOP) return MakeError(Errno{code}, work);
  const auto erase = [&] {
    return catalog_.Write(
        [&](KvTxn& txn) -> Result<void> { return txn.Erase(ContainerKey(record.name)); });
  };
  Result<void> erased = erase();
  if (!erased && erased.error().code() == ENOSPC) {
    RemoveInPlace(layout_.container(record.name));
    erased = erase();
  }
  VENEER_TRY_VOID(erased);
  return RemoveFiles(record.name);
}

Result<void> Containers::RemoveFiles(std::string_view name) {
  const Result<std::unique_ptr<StagingDir>> staging = StagingDir::Make(layout_);
  if (!staging && staging.error().code() != ENOSPC) return tl::unexpected(staging.error());
  const std::string path = layout_.container(name);
  // Without room for a staging directory it goes where it is.
  const std::string trash = staging ? (*staging)->path() + "/container" : path;
  if (staging) {
    const Sys<void> moved = sys::Rename(sys::Path(path), sys::Path(trash), 0);
    if (!moved && moved.error().code == ENOENT) return {};
    if (!moved) return MakeError(moved.error(), path);
  }
  if (const Sys<uint64_t> removed = RemoveTree(trash); !removed) {
    return MakeError(removed.error(), "container " + std::string(name) +
                                          " is gone, but files of other users are left in " +
                                          (staging ? layout_.staging() : path));
  }
  return {};
}

}  // namespace veneer
