// SPDX-License-Identifier: Apache-2.0
//
// Node: one object of the mounted tree, as long as the kernel or a request knows it. All of it can
// be found again from disk; forgetting a node loses nothing. Hard links of one file share a node.
//
// What guards what (the order of the locks is in CONTRIBUTING.md):
//   references                NodeTable's shard lock
//   parent, name, more        State::names (exclusive: rename; shared and State::places: unlink, link). So who reads them
//                             holds State::names, and State::places or what keeps the name from going: a name of a file in
//                             this directory, the mutex of this directory, BusyNodes of this node.
//   everything else that is   State::places, exclusive to change, shared to use
//   not constant
#ifndef VENEER_FS_CORE_NODE_H_
#define VENEER_FS_CORE_NODE_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fs/core/dir_table.h"
#include "fs/core/sync_due.h"
#include "fs/core/types.h"
#include "layerdb/base/fd_cache.h"
#include "layerdb/layer/layer.h"

namespace veneer {

class NodeTable;
struct Node;
using NodeRef = std::shared_ptr<Node>;

// A name of a node.
struct NodeName {
  NodeRef parent;
  std::string name;
};

// What a directory has beyond other nodes. `mutex` guards all of it.
struct Directory {
  std::mutex mutex;
  bool loaded = false;
  DirTable table;
  bool default_acl_known = false;
  std::optional<std::string> default_acl;
};

struct Node {
  Node(NodeId i, FileType t) : id(i), type(t) {
    if (t == FileType::kDirectory) directory = std::make_unique<Directory>();
  }

  ~Node();  // node_table.cc
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const NodeId id;
  const FileType type;
  // Attributes are in the upper; contents are too. Set once, never cleared.
  std::atomic<bool> upper{false};
  std::atomic<bool> data_upper{false};
  // The directory was removed, or the file has lost its last name.
  std::atomic<bool> removed{false};
  SyncDue sync_due;  // thread-safe by itself
  // Somebody was told when the object below was made, and not yet that it was copied up.
  std::atomic<bool> birth_told{false};
  bool has_lower = false;  // constant
  // The lower file has several names: constant; st_nlink and the place in the upper come from
  // LinkIndex.
  bool linked_below = false;
  // The two halves of origin().
  uint32_t origin_layer = 0;
  uint32_t lower_nlink = 1;
  uint64_t origin_ino = 0;
  NodeTable* table = nullptr;  // constant; null: the table has gone

  uint64_t references = 0;  // of the kernel
  uint64_t ino = 0;         // st_ino, constant

  // Where it comes from below; for an object that was made here, a number that no layer has. Constant.
  Origin origin() const { return {origin_layer, origin_ino}; }
  // The same as one number.
  uint64_t Identity() const { return origin().Identity(); }

  // One name; empty parent: the root, or an object without a name.
  NodeRef parent;
  std::string name;

  // Where attributes (not upper) or contents (not data_upper) come from; for a directory the part
  // below. Constant.
  LayerRef lower;

  // What few nodes need.
  struct Rare {
    std::vector<NodeName> more;  // further known names
    // Where the lower object lies, if not where the name says.
    std::optional<std::string> lower_path;
    // The upper object, when no name leads to it, and what its descriptor is good for: it is the only one that such a node
    // keeps.
    SharedFd pinned;
    enum class Use : uint8_t { kPath, kRead, kWrite } pinned_for = Use::kPath;
  };
  std::unique_ptr<Rare> rare;
  Rare& NeedRare() {
    if (!rare) rare = std::make_unique<Rare>();
    return *rare;
  }
  bool HasName() const { return parent != nullptr; }

  std::unique_ptr<Directory> directory;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_NODE_H_
