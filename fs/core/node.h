// SPDX-License-Identifier: Apache-2.0
//
// Node: one object of the mounted tree, as long as the kernel or a request knows it. All of it can
// be found again from disk; forgetting a node loses nothing. Hard links of one file share a node.
//
// A node's Location is reached through its lock (node_locks.h), a directory's names through
// Directory::mutex. Everything else is constant once others can find the node, or atomic.
#ifndef VENEER_FS_CORE_NODE_H_
#define VENEER_FS_CORE_NODE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fs/core/dir_table.h"
#include "fs/core/sync_due.h"
#include "fs/core/types.h"
#include "layerdb/base/fd_cache.h"
#include "layerdb/base/mutex.h"
#include "layerdb/layer/layer.h"

namespace veneer {

class NodeTable;
class Node;
using NodeRef = std::shared_ptr<Node>;

// The NamesLock of a mount, and the lock of a node, in annotations.
inline LockRole names_role;
inline LockRole node_role;

// Origin::ino of objects that were made in the upper; those of layers lie below.
inline constexpr uint64_t kUpperInoBit = uint64_t{1} << 62;

// A name of a node.
struct NodeName {
  NodeRef parent;
  std::string name;
  bool Is(const NodeRef& dir, std::string_view other) const {
    return parent == dir && name == other;
  }
};

// What a directory has beyond other nodes. Each thread that takes the mutex holds NamesLock.
class Directory {
 public:
  Mutex mutex;

  // Whoever holds NamesLock alone is alone in every directory.
  void AssertAlone() const REQUIRES(names_role) ASSERT_CAPABILITY(mutex) {}

  bool loaded() const REQUIRES(mutex) { return loaded_; }
  // The names. Complete once loaded().
  DirTable& table() REQUIRES(mutex) { return table_; }
  void SetLoaded(DirTable table) REQUIRES(mutex) {
    table_ = std::move(table);
    loaded_ = true;
  }
  // The default ACL, once it was asked for: the inner value is empty where the directory has none.
  std::optional<std::optional<std::string>>& default_acl() REQUIRES(mutex) { return default_acl_; }

 private:
  bool loaded_ GUARDED_BY(mutex) = false;
  DirTable table_ GUARDED_BY(mutex);
  std::optional<std::optional<std::string>> default_acl_ GUARDED_BY(mutex);
};

class Node {
 public:
  // Where a node is in the tree, and how its upper object is reached.
  struct Location {
    // One name; no parent: the root, or an object without a name.
    NodeName name;

    // What few nodes need.
    struct Rare {
      std::vector<NodeName> more;  // further known names
      // Where the lower object lies, if not where the name says.
      std::optional<std::string> lower_path;
      // The upper object, when no name leads to it, and what its descriptor is good for: it is the
      // only one that such a node keeps.
      SharedFd pinned;
      enum class Use : uint8_t { kPath, kRead, kWrite } pinned_for = Use::kPath;
    };
    std::unique_ptr<Rare> rare;

    Rare& NeedRare() {
      if (!rare) rare = std::make_unique<Rare>();
      return *rare;
    }
    bool HasName() const { return name.parent != nullptr; }
    bool HasMoreNames() const { return rare && !rare->more.empty(); }
    bool IsPinned() const { return rare && rare->pinned; }
    const std::string* lower_path() const {
      return rare && rare->lower_path ? &*rare->lower_path : nullptr;
    }
  };

  Node(NodeId node_id, FileType node_type, Location location)
      : id(node_id), type(node_type), location_(std::move(location)) {
    if (type == FileType::kDirectory) directory = std::make_unique<Directory>();
  }
  ~Node();  // node_table.cc
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  bool is_dir() const { return type == FileType::kDirectory; }
  // Where it comes from below; for an object that was made here, a number that no layer has.
  Origin origin() const { return {origin_layer, origin_ino}; }
  // The same as one number.
  uint64_t Identity() const { return origin().Identity(); }

  const NodeId id;
  const FileType type;
  // Attributes are in the upper; contents are too. Set once, never cleared.
  std::atomic<bool> upper{false};
  std::atomic<bool> data_upper{false};
  // The directory was removed, or the file has lost its last name.
  std::atomic<bool> removed{false};
  SyncDue sync_due;  // thread-safe by itself
  // What NodeTable finds the node of a file by that has, or had, several names; 0: it never had.
  std::atomic<uint64_t> shared_as{0};
  // Somebody was told when the object below was made, and not yet that it was copied up.
  std::atomic<bool> birth_told{false};

  // Constant from here on.
  bool has_lower = false;
  // The lower file has several names: st_nlink and the location in the upper come from LinkIndex.
  bool linked_below = false;
  // The two halves of origin().
  uint32_t origin_layer = 0;
  uint32_t lower_nlink = 1;
  uint64_t origin_ino = 0;
  uint64_t ino = 0;  // st_ino
  // Where attributes (not upper) or contents (not data_upper) come from; for a directory the part
  // below.
  LayerRef lower;
  NodeTable* table = nullptr;  // null: the table has gone
  std::unique_ptr<Directory> directory;

 private:
  friend class LockedNode;
  friend class NodeWriter;
  friend class NodePaths;  // walks up from a directory; node_paths.h says why it may
  Location location_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_NODE_H_
