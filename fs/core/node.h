// SPDX-License-Identifier: Apache-2.0
//
// Node: one object of the mounted tree, as long as the kernel or a request knows it. All of it can
// be found again from disk; forgetting a node loses nothing. Hard links of one file share a node.
//
// What guards what (the order of the locks is in CONTRIBUTING.md):
//   references                NodeTable's shard lock
//   parent, name, more        State::names (exclusive: rename; shared and State::places: unlink, link)
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
  SyncDue sync_due;            // thread-safe by itself
  bool has_lower = false;      // constant
  NodeTable* table = nullptr;  // constant; null: the table has gone
  // The lower file has several names: constant; st_nlink and the place in the upper come from
  // LinkIndex.
  bool linked_below = false;

  uint64_t references = 0;  // of the kernel
  uint64_t ino = 0;         // st_ino, constant
  uint32_t lower_nlink = 1;

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
    SharedFd pinned;  // the upper object, when no name leads to it
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
