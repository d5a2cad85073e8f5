// SPDX-License-Identifier: Apache-2.0
//
// Descriptors: who may keep how many descriptors. Those in the cache can be closed at any moment;
// those of objects that no name leads to any more are pinned to their nodes, and the caches make
// room for them. Thread-safe.
#ifndef VENEER_FS_CORE_DESCRIPTORS_H_
#define VENEER_FS_CORE_DESCRIPTORS_H_

#include <atomic>
#include <memory>

#include "fs/core/node_locks.h"
#include "layerdb/base/fd_cache.h"
#include "layerdb/base/sys.h"
#include "layerdb/layer/layer.h"

namespace veneer {

class Descriptors {
 public:
  enum Kind : unsigned { kDirectory = 0, kLowerData = 1, kUpperRead = 2, kUpperWrite = 3 };

  // `lower` must outlive this. `most`: how many are cached at most; 0: a quarter of RLIMIT_NOFILE.
  Descriptors(const Layer& lower, size_t most);

  // Those that are cached for a node. Put() returns what it keeps.
  SharedFd Get(NodeId id, Kind kind) { return cache_.Get(Key(id, kind)); }
  SharedFd Put(NodeId id, Kind kind, Fd fd) { return cache_.Put(Key(id, kind), std::move(fd)); }
  // Closes them.
  void Drop(const Node& node);

  // Lets a node keep a descriptor of its upper object, which no name will lead to.
  void Pin(NodeWriter& node, SharedFd fd, Node::Location::Rare::Use use);
  // The same with the best one that is cached, or a new one of `where`.
  Sys<void> PinCached(NodeWriter& node, sys::At where);
  // Takes descriptors from the caches when the pinned ones need them, and gives them back.
  void Balance();

 private:
  static uint64_t Key(NodeId id, Kind kind) { return id * 4 + kind; }

  const Layer& lower_;
  const size_t limit_;   // RLIMIT_NOFILE
  const size_t budget_;  // the most that `cache_` keeps
  FdCache cache_;
  // How many are pinned; shared with them, which may outlive this.
  const std::shared_ptr<std::atomic<size_t>> pinned_ = std::make_shared<std::atomic<size_t>>(0);
  std::atomic<size_t> pressure_{0};  // how much was taken from the caches for them, in steps
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_DESCRIPTORS_H_
