// SPDX-License-Identifier: Apache-2.0
//
// NodeTable: the nodes by id, and those with several names by inode number. Holds a node while the
// kernel has references to it; a request holds it by NodeRef, so Forget never frees what is in use.
//
// A node that the kernel has forgotten can live on: as the parent in a name of a file that is still
// known by another name. Whoever asks for its id gets that same node again, so that there are never
// two nodes for one directory. Thread-safe.
#ifndef VENEER_FS_CORE_NODE_TABLE_H_
#define VENEER_FS_CORE_NODE_TABLE_H_

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "fs/core/node.h"

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
  // A new node with one reference. The caller fills it in before anybody else learns its id.
  NodeRef Create(FileType type);
  // One more reference; false when the node has gone meanwhile.
  bool Acquire(const Node& node);
  // Finds and acquires in one step.
  NodeRef FindAndAcquire(NodeId id);
  // True when that was the last reference of the kernel.
  bool Release(NodeId id, uint64_t references);

  // Files with several names, by Node::Identity(). Whoever makes a node of such a file finds out that there is none and registers
  // it without letting others do so meanwhile (State::linked_files).
  void RegisterLinked(const Node& node);
  NodeRef FindAndAcquireLinked(uint64_t identity);

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<NodeId, NodeRef> nodes;
    // Forgotten by the kernel, in use all the same.
    std::unordered_map<NodeId, std::weak_ptr<Node>> lingering;
  };
  friend struct Node;
  // A node ceases to exist.
  void Gone(const Node& node);
  static constexpr size_t kShards = 16;
  Shard& ShardOf(NodeId id) { return shards_[id % kShards]; }

  const std::function<void(const Node&)> gone_;
  std::array<Shard, kShards> shards_;
  std::atomic<uint64_t> size_{0};
  std::atomic<NodeId> next_{kRootNode};
  std::mutex linked_mutex_;
  std::unordered_map<uint64_t, NodeId> linked_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_NODE_TABLE_H_
