// SPDX-License-Identifier: Apache-2.0
//
// Containers: writable layers over images. What a container is stands in the catalog. Whether it is
// mounted is told by the lease that its veneerfs holds (lease.h), and by nothing else; where, and
// by which process, by containers/<name>/state, a file that may be lost without harm.
//
// Create(), Rename() and Remove() are durable when they return.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_CATALOG_CONTAINERS_H_
#define VENEER_LAYERDB_CATALOG_CONTAINERS_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"

namespace veneer {

class Images;
class KvDatabase;
class KvTxn;
class StoreLayout;

// A process beyond doubt: pids are used again, boots restart the count, and each PID namespace has
// its own.
struct ProcessId {
  pid_t pid = 0;
  uint64_t start_time = 0;     // field 22 of /proc/PID/stat, clock ticks since boot
  std::string boot_id;         // /proc/sys/kernel/random/boot_id
  uint64_t pid_namespace = 0;  // inode number of /proc/self/ns/pid; 0: not known

  // The process `pid` as it is now. ESRCH when there is none.
  static Sys<ProcessId> Of(pid_t pid);
  // True while that very process runs (a zombie does not). False for one of another PID namespace,
  // of which nothing can be said from here.
  bool IsAlive() const;
  // True when its pid means something in this PID namespace.
  bool IsOfHere() const;
};

// How a container is mounted.
struct ContainerMount {
  std::string mount_point;          // empty: by a session, or it is not known
  std::optional<ProcessId> daemon;  // nullopt: it cannot be seen from here
  bool read_only = false;
};

struct ContainerRecord {
  std::string name;
  Digest image_id;
  std::vector<Digest> diff_ids;  // of the image, bottom first
  Digest chain_id;
  std::string image_name;  // the tag or id it was made from, for people
  Timestamp created;
  bool remove_on_exit = false;  // throw-away (chroot IMAGE, --rm)
  // Free for the tools: a JSON document of what the container was made with (environment, binds …).
  std::string config;
  // Set while a veneerfs serves the container, wherever that runs.
  std::optional<ContainerMount> mount;
  bool owned = false;  // a throw-away container whose owner lives
};

struct ContainerSpec {
  std::string name;
  Digest image_id;
  std::string image_name;
  bool remove_on_exit = false;
  std::string config;
  // The layers that it lies upon, bottom first; nullopt: all of the image's. Those that say nothing
  // may be left out, so that no tree need be made for them.
  std::optional<std::vector<Digest>> diff_ids = std::nullopt;
};

// A lock on one container, held by whoever mounts, unmounts, commits or removes it. Released on
// destruction, and by the death of the process.
class [[nodiscard]] ContainerLock {
 public:
  explicit ContainerLock(Fd fd) : fd_(std::move(fd)) {}

 private:
  Fd fd_;
};

// A container that lives as long as its owner does.
struct OwnedContainer {
  ContainerRecord record;
  Fd owner;  // the lease
};

class Containers {
 public:
  // Makes the merged tree of layers, bottom first, where it is missing; gives its path.
  using TreeMaker = std::function<Result<std::string>(std::span<const Digest> diff_ids)>;

  // All must outlive it.
  Containers(const StoreLayout& layout, KvDatabase& catalog, Images& images, TreeMaker make_tree)
      : layout_(layout), catalog_(catalog), images_(images), make_tree_(std::move(make_tree)) {}

  // Makes upper/ (with the mode, owner where we may, and times of the image's root directory),
  // work/ and the record. kNotFound: no such image; kInUse: the name is taken (Reason::kNameTaken);
  // kUsage: not a name ([A-Za-z0-9][A-Za-z0-9_.-]*, at most 64).
  Result<ContainerRecord> Create(const ContainerSpec& spec);
  // The same for a throw-away container, which belongs to whoever holds the lease.
  Result<OwnedContainer> CreateOwned(const ContainerSpec& spec);
  Result<ContainerRecord> Get(std::string_view name);
  Result<std::vector<ContainerRecord>> List();  // by creation, oldest first

  // True while a veneerfs serves the container, wherever that runs.
  bool IsServed(std::string_view name) const;

  // Ends what a killed Rename() has left half done, for all containers.
  void EndRenames();

  // Waits for whoever holds it. A container that has lost its directory gets an empty one, so that
  // it can be locked and removed.
  Result<ContainerLock> Lock(std::string_view name);
  // Records that the container is mounted, or (nullopt) that it is not. REQUIRES: its lock.
  Result<void> SetMount(std::string_view name, const std::optional<ContainerMount>& mount);
  // Changes what the catalog keeps: image, image_name, config, remove_on_exit. The name stays.
  Result<void> Update(const ContainerRecord& record);

  // Gives a container another name. kNotFound: there is none; kInUse: the new name is taken;
  // kUsage: not a name. Killed at any moment, it leaves the container under one of the two names,
  // whole (RestoreRenamed). REQUIRES: the lock of `from`; it is not mounted.
  Result<void> Rename(std::string_view from, std::string_view to);

  // Removes the record, then the directory. kInUse when something serves it. What cannot be deleted
  // (files of other users in the upper of an ordinary user) is left in staging for prune, and is
  // the error. On a disk so full that not even the record can be removed, the upper and work
  // directories go first; a container without them can be removed again and nothing else.
  // REQUIRES: its lock.
  Result<void> Remove(std::string_view name);
  // The second half of it, for a container whose record is gone already (Images::Put).
  Result<void> RemoveFiles(std::string_view name);

 private:
  Result<ContainerRecord> Make(const ContainerSpec& spec, Fd* owner);

  // Ends what a killed Rename() has left half done, anywhere. True when there was something.
  bool RestoreAll();
  // Gives a container that has lost its directory an empty one. Whatever else has its name goes: in
  // the store it is nobody's.
  Result<void> ReplaceLost(std::string_view name);

  const StoreLayout& layout_;
  KvDatabase& catalog_;
  Images& images_;
  const TreeMaker make_tree_;
};

// Fills in what the leases tell of a container: `mount` and `owned`.
void ReadLeases(const StoreLayout& layout, ContainerRecord* record);

// A rename moves the directory and then commits the record. Where it was killed between the two,
// the directory `directory` of layout.containers() holds a container that the catalog knows by its
// old name; this gives it its old name again. True when it did. REQUIRES: nobody renames meanwhile
// (a transaction of the catalog that writes, or the store's lock, exclusively).
bool RestoreRenamed(const StoreLayout& layout, const KvTxn& txn, const std::string& directory);

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_CONTAINERS_H_
