// SPDX-License-Identifier: Apache-2.0
#include "fs/core/node_table.h"

namespace veneer {

NodeRef NodeTable::Find(NodeId id) {
  Shard& shard = ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.nodes.find(id);
  return it == shard.nodes.end() ? nullptr : it->second;
}

NodeRef NodeTable::Create(FileType type) {
  const NodeId id = next_.fetch_add(1, std::memory_order_relaxed);
  auto node = std::make_shared<Node>(id, type);
  node->table = this;
  node->references = 1;
  Shard& shard = ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  shard.nodes.emplace(id, node);
  size_.fetch_add(1, std::memory_order_relaxed);
  return node;
}

bool NodeTable::Acquire(const Node& node) { return FindAndAcquire(node.id) != nullptr; }

NodeRef NodeTable::FindAndAcquire(NodeId id) {
  if (id == kNoNode) return nullptr;
  Shard& shard = ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  auto it = shard.nodes.find(id);
  if (it == shard.nodes.end()) {
    const auto lingering = shard.lingering.find(id);
    if (lingering == shard.lingering.end()) return nullptr;
    NodeRef node = lingering->second.lock();
    if (!node) return nullptr;
    shard.lingering.erase(lingering);
    it = shard.nodes.emplace(id, std::move(node)).first;
    size_.fetch_add(1, std::memory_order_relaxed);
  }
  ++it->second->references;
  return it->second;
}

bool NodeTable::Release(NodeId id, uint64_t references) {
  NodeRef last;  // destroyed outside the lock: it may take its parents with it
  Shard& shard = ShardOf(id);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.nodes.find(id);
  if (it == shard.nodes.end()) return false;
  Node& node = *it->second;
  node.references -= std::min(references, node.references);
  if (node.references != 0 || id == kRootNode) return false;
  last = std::move(it->second);
  shard.nodes.erase(it);
  size_.fetch_sub(1, std::memory_order_relaxed);
  // Nobody can take another reference now but through `last`.
  if (last.use_count() > 1) shard.lingering.emplace(id, last);
  return true;
}

NodeTable::~NodeTable() {
  for (Shard& shard : shards_) {
    for (auto& [id, node] : shard.nodes) node->table = nullptr;
    for (auto& [id, weak] : shard.lingering) {
      if (const NodeRef node = weak.lock()) node->table = nullptr;
    }
  }
}

void NodeTable::Gone(const Node& node) {
  {
    Shard& shard = ShardOf(node.id);
    const std::lock_guard lock(shard.mutex);
    shard.lingering.erase(node.id);
  }
  {
    const std::lock_guard lock(linked_mutex_);
    const auto it = linked_.find(node.Identity());
    if (it != linked_.end() && it->second == node.id) linked_.erase(it);
  }
  if (gone_) gone_(node);
}

Node::~Node() {
  if (table != nullptr) table->Gone(*this);
}

void NodeTable::RegisterLinked(const Node& node) {
  const std::lock_guard lock(linked_mutex_);
  linked_[node.Identity()] = node.id;
}

NodeRef NodeTable::FindAndAcquireLinked(uint64_t identity) {
  NodeId id;
  {
    const std::lock_guard lock(linked_mutex_);
    const auto it = linked_.find(identity);
    if (it == linked_.end()) return nullptr;
    id = it->second;
  }
  return FindAndAcquire(id);
}

}  // namespace veneer
