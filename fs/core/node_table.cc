// SPDX-License-Identifier: Apache-2.0
#include "fs/core/node_table.h"

#include <algorithm>
#include <utility>

namespace veneer {

NodeRef NodeTable::Find(NodeId id) {
  Shard& shard = ShardOf(id);
  const MutexLock lock(shard.mutex);
  const auto it = shard.nodes.find(id);
  return it == shard.nodes.end() ? nullptr : it->second.node;
}

Sys<NodeRef> NodeTable::Get(NodeId id) {
  NodeRef node = Find(id);
  if (!node) return Fail(ESTALE);
  return node;
}

Sys<NodeRef> NodeTable::GetDirectory(NodeId id) {
  VENEER_TRY(NodeRef node, Get(id));
  if (!node->is_dir()) return Fail(ENOTDIR);
  return node;
}

NodeRef NodeTable::Create(FileType type, Node::Location location) {
  const NodeId id = next_.fetch_add(1, std::memory_order_relaxed);
  auto node = std::make_shared<Node>(id, type, std::move(location));
  node->table = this;
  Shard& shard = ShardOf(id);
  const MutexLock lock(shard.mutex);
  shard.nodes.emplace(id, Known{node, 1});
  size_.fetch_add(1, std::memory_order_relaxed);
  return node;
}

NodeRef NodeTable::Acquire(NodeId id) {
  if (id == kNoNode) return nullptr;
  Shard& shard = ShardOf(id);
  const MutexLock lock(shard.mutex);
  auto it = shard.nodes.find(id);
  if (it == shard.nodes.end()) {
    const auto lingering = shard.lingering.find(id);
    if (lingering == shard.lingering.end()) return nullptr;
    NodeRef node = lingering->second.lock();
    if (!node) return nullptr;
    shard.lingering.erase(lingering);
    it = shard.nodes.emplace(id, Known{std::move(node), 0}).first;
    size_.fetch_add(1, std::memory_order_relaxed);
  }
  ++it->second.references;
  return it->second.node;
}

bool NodeTable::Release(NodeId id, uint64_t references) {
  NodeRef last;  // destroyed outside the lock: it may take its parents with it
  Shard& shard = ShardOf(id);
  const MutexLock lock(shard.mutex);
  const auto it = shard.nodes.find(id);
  if (it == shard.nodes.end()) return false;
  Known& known = it->second;
  known.references -= std::min(references, known.references);
  if (known.references != 0 || id == kRootNode) return false;
  last = std::move(known.node);
  shard.nodes.erase(it);
  size_.fetch_sub(1, std::memory_order_relaxed);
  // Nobody can take another reference now but through `last`.
  if (last.use_count() > 1) shard.lingering.emplace(id, last);
  return true;
}

NodeTable::~NodeTable() {
  for (Shard& shard : shards_) {
    for (auto& [id, known] : shard.nodes) known.node->table = nullptr;
    for (auto& [id, weak] : shard.lingering) {
      if (const NodeRef node = weak.lock()) node->table = nullptr;
    }
  }
}

void NodeTable::Gone(const Node& node) {
  {
    Shard& shard = ShardOf(node.id);
    const MutexLock lock(shard.mutex);
    shard.lingering.erase(node.id);
  }
  if (const uint64_t key = node.shared_as; key != 0) {
    const MutexLock lock(shared_mutex_);
    const auto it = shared_.find(key);
    if (it != shared_.end() && it->second == node.id) shared_.erase(it);
  }
  if (gone_) gone_(node);
}

Node::~Node() {
  if (table != nullptr) table->Gone(*this);
}

void NodeTable::AddShared(Node& node, uint64_t key) {
  node.shared_as = key;
  const MutexLock lock(shared_mutex_);
  shared_[key] = node.id;
}

NodeRef NodeTable::AcquireShared(uint64_t key) {
  NodeId id = kNoNode;
  {
    const MutexLock lock(shared_mutex_);
    const auto it = shared_.find(key);
    if (it == shared_.end()) return nullptr;
    id = it->second;
  }
  return Acquire(id);
}

Sys<NodeTable::Shared> NodeTable::FindOrCreate(uint64_t key, FunctionRef<Sys<NodeRef>()> create) {
  const MutexLock lock(creating_[key % creating_.size()]);
  if (NodeRef node = AcquireShared(key)) return Shared{std::move(node), false};
  VENEER_TRY(NodeRef node, create());
  AddShared(*node, key);
  return Shared{std::move(node), true};
}

Sys<NodeTable::Shared> NodeTable::FindOrCreateOfOneName(uint64_t key,
                                                        FunctionRef<Sys<NodeRef>()> create) {
  if (NodeRef node = AcquireShared(key)) return Shared{std::move(node), false};
  VENEER_TRY(NodeRef node, create());
  return Shared{std::move(node), true};
}

}  // namespace veneer
