// SPDX-License-Identifier: Apache-2.0
//
// NodeTable: the nodes by id, and those of files with several names by a key of the file. The key
// is its origin, where the names are in the lower tree, and else its inode in the upper: copies of
// one lower file are different files. Holds a node while the kernel has references to it; a request
// holds it by NodeRef, so Forget never frees what is in use.
//
// A node that the kernel has forgotten can live on: as the parent in a name of a file that is still
// known by another name. Whoever asks for its id gets that same node again, so that there are never
// two nodes for one directory. Thread-safe.
#ifndef VENEER_FS_CORE_NODE_TABLE_H_
#define VENEER_FS_CORE_NODE_TABLE_H_

#include <array>
#include <atomic>
#include <functional>
#include <unordered_map>

#include "fs/core/node.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"

namespace veneer {

class NodeTable {
 public:
  // `gone` is called when a node ceases to exist, in whatever thread let it go last. May be empty.
  explicit NodeTable(std::function<void(const Node&)> gone = {}) : gone_(std::move(gone)) {}
  NodeTable(const NodeTable&) = delete;
  NodeTable& operator=(const NodeTable&) = delete;
  // Nodes that are still in use elsewhere are on their own from here on.
  ~NodeTable();

  // How many nodes the kernel knows.
  uint64_t size() const { return size_.load(std::memory_order_relaxed); }
  // Null when the kernel does not know the node (any more).
  NodeRef Find(NodeId id);
  // The same as a result: ESTALE. And ENOTDIR for a node that is no directory.
  Sys<NodeRef> Get(NodeId id);
  Sys<NodeRef> GetDirectory(NodeId id);

  // A new node with one reference. The caller completes it before anybody else learns its id.
  NodeRef Create(FileType type, Node::Location location);
  // One more reference; null when the node has gone meanwhile.
  NodeRef Acquire(NodeId id);
  // True when that was the last reference of the kernel.
  bool Release(NodeId id, uint64_t references);

  // A file with several names has one node, whichever name is looked up first: the node of the file
  // `key` with one more reference, or where there is none the one that `create` makes with
  // Create(). Others who look for the file wait meanwhile. `is_new`: it was made.
  struct Shared {
    NodeRef node;
    bool is_new = false;
  };
  Sys<Shared> FindOrCreate(uint64_t key, FunctionRef<Sys<NodeRef>()> create) EXCLUDES(node_role);
  // The same for the only name of a file, which may have had others: the node is that of a name
  // that is gone, when somebody has the file open by it. Nobody else can look for the file.
  Sys<Shared> FindOrCreateOfOneName(uint64_t key, FunctionRef<Sys<NodeRef>()> create);
  // A node that Create() made with one name gets another one: both find it from here on.
  void AddShared(Node& node, uint64_t key);

 private:
  struct Known {
    NodeRef node;
    uint64_t references = 0;  // of the kernel
  };
  struct Shard {
    Mutex mutex;
    std::unordered_map<NodeId, Known> nodes GUARDED_BY(mutex);
    // Forgotten by the kernel, in use all the same.
    std::unordered_map<NodeId, std::weak_ptr<Node>> lingering GUARDED_BY(mutex);
  };
  friend class Node;
  // A node ceases to exist.
  void Gone(const Node& node);
  NodeRef AcquireShared(uint64_t key);
  static constexpr size_t kShards = 16;
  Shard& ShardOf(NodeId id) { return shards_[id % kShards]; }

  const std::function<void(const Node&)> gone_;
  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> size_{0};
  std::atomic<NodeId> next_{kRootNode};
  // By key: held while the node of a file with several names is looked for and made.
  std::array<Mutex, 31> creating_;
  Mutex shared_mutex_;
  std::unordered_map<uint64_t, NodeId> shared_ GUARDED_BY(shared_mutex_);
};

// A kernel reference for the time of a request.
class ScopedReference {
 public:
  ScopedReference(NodeTable& nodes, NodeRef node) : nodes_(&nodes), node_(std::move(node)) {}
  ScopedReference(ScopedReference&& other) noexcept = default;
  ScopedReference& operator=(ScopedReference&&) = delete;
  ~ScopedReference() {
    if (node_) nodes_->Release(node_->id, 1);
  }

 private:
  NodeTable* nodes_;
  NodeRef node_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_NODE_TABLE_H_
