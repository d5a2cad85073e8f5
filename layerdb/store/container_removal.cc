// SPDX-License-Identifier: Apache-2.0
//
// The part of Containers that removes them.
#include <unistd.h>

#include <cstdio>

#include "layerdb/index/kv.h"
#include "layerdb/store/catalog_records.h"
#include "layerdb/store/containers.h"
#include "layerdb/store/lease.h"
#include "layerdb/store/remove_tree.h"
#include "layerdb/store/session.h"
#include "layerdb/store/store.h"

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

// Makes room: removes upper and work of a container whose record is still there. The upper is out of its place at once,
// so that nobody mounts half of it if this is killed.
void RemoveInPlace(const std::string& container) {
  const std::string upper = container + "/upper";
  const std::string removed = container + "/removed";
  const bool moved = rename(upper.c_str(), removed.c_str()) == 0;
  for (const std::string& dir : {moved ? removed : upper, container + "/work"}) {
    IgnoreError(RemoveTree(dir), "what is left is met again behind the record's removal");
  }
}

}  // namespace

Result<void> Containers::Remove(std::string_view name) {
  VENEER_TRY(const ContainerRecord record, Get(name));
  if (record.mount) return InUse(record);
  // From here on nothing begins to serve it.
  const std::string work = store_.layout().work(record.name);
  const Sys<std::optional<Fd>> unserved = TakeLease(work, kLeasePatience);
  if (unserved && !*unserved) return InUse(record);
  const int code = unserved ? ENOENT : unserved.error().code;
  // What is left of one whose removal was interrupted, or that was damaged, has no such directory.
  if (code != ENOENT && code != ENOTDIR && code != ELOOP) return MakeError(Errno{code}, work);
  const auto erase = [&] {
    return store_.catalog().Write(
        [&](KvTxn& txn) -> Result<void> { return txn.Erase(ContainerKey(record.name)); });
  };
  Result<void> erased = erase();
  if (!erased && erased.error().code() == ENOSPC) {
    RemoveInPlace(store_.layout().container(record.name));
    erased = erase();
  }
  VENEER_TRY_VOID(erased);
  return RemoveFiles(record.name);
}

Result<void> Containers::RemoveFiles(std::string_view name) {
  const Result<std::unique_ptr<WriteSession>> session = store_.Begin();
  if (!session && session.error().code() != ENOSPC) return tl::unexpected(session.error());
  const std::string path = store_.layout().container(name);
  // Without room for a session's directory it goes where it is.
  const std::string trash = session ? (*session)->dir() + "/container" : path;
  if (session && rename(path.c_str(), trash.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return MakeError(Errno{errno}, path);
  }
  if (const Sys<uint64_t> removed = RemoveTree(trash); !removed) {
    return MakeError(removed.error(), "container " + std::string(name) +
                                          " is gone, but files of other users are left in " +
                                          (session ? store_.layout().staging() : path));
  }
  return {};
}

}  // namespace veneer
