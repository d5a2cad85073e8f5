// SPDX-License-Identifier: Apache-2.0
//
// The locks of a mount that callers in several files hold, and the only ways to the members of a
// Node that they guard. The order in which locks are taken is in CONTRIBUTING.md.
#ifndef VENEER_FS_CORE_NODE_LOCKS_H_
#define VENEER_FS_CORE_NODE_LOCKS_H_

#include <array>

#include "fs/core/node.h"
#include "layerdb/base/mutex.h"

namespace veneer {

// Every request that goes by names holds this lock shared for as long as it does; rename holds it
// alone. No contents are copied under it but those of small files.
class NamesLock {
 public:
  SharedMutex& mutex() RETURN_CAPABILITY(names_role) { return mutex_; }

 private:
  SharedMutex mutex_;
};

// A lock per node, shared by chance with others: most nodes are never changed, so none carries a
// lock of its own. A thread holds at most one.
class NodeLocks {
 public:
  SharedMutex& For(const Node& node) RETURN_CAPABILITY(node_role) {
    return locks_[node.id % locks_.size()];
  }

 private:
  std::array<SharedMutex, 127> locks_;
};

// A node whose lock is held: a NodeReader or a NodeWriter. Functions that want the lock held take
// one of them.
class LockedNode {
 public:
  LockedNode(const LockedNode&) = delete;
  LockedNode& operator=(const LockedNode&) = delete;
  const Node& node() const { return node_; }
  const Node::Location* operator->() const { return &node_.location_; }

 protected:
  explicit LockedNode(const Node& node) : node_(node) {}
  ~LockedNode() = default;

 private:
  const Node& node_;
};

// Holds the lock of a node shared, and reads what it guards.
class SCOPED_CAPABILITY NodeReader : public LockedNode {
 public:
  NodeReader(NodeLocks& locks, const Node& node) ACQUIRE_SHARED(node_role)
      : LockedNode(node), lock_(locks.For(node)) {
    lock_.LockShared();
  }
  ~NodeReader() RELEASE() { lock_.UnlockShared(); }

 private:
  SharedMutex& lock_;
};

// Holds the lock of a node alone, and changes what it guards.
class SCOPED_CAPABILITY NodeWriter : public LockedNode {
 public:
  NodeWriter(NodeLocks& locks, Node& node) ACQUIRE(node_role)
      : LockedNode(node), node_(node), lock_(locks.For(node)) {
    lock_.Lock();
  }
  ~NodeWriter() RELEASE() { lock_.Unlock(); }
  Node& node() const { return node_; }
  Node::Location* operator->() { return &node_.location_; }

 private:
  Node& node_;
  SharedMutex& lock_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_NODE_LOCKS_H_
