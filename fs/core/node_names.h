// SPDX-License-Identifier: Apache-2.0
//
// NodeNames: which names a node has, and how many links its file. On disk the names are made and
// removed by others; here the nodes follow. Thread-safe.
#ifndef VENEER_FS_CORE_NODE_NAMES_H_
#define VENEER_FS_CORE_NODE_NAMES_H_

#include <string_view>

#include "fs/core/node_paths.h"

namespace veneer {

class NodeNames {
 public:
  // All must outlive this. No `upper`: then names are only added.
  NodeNames(Upper* upper, Descriptors& descriptors, NodePaths& paths, NodeLocks& locks)
      : upper_(upper), descriptors_(descriptors), paths_(paths), locks_(locks) {}

  // A name more, of an object that may have lost all that were known.
  static void Give(NodeWriter& writer, NodeName name);
  // A name that a listing or a lookup has met.
  void Add(Node& node, const NodeRef& dir, std::string_view name) REQUIRES_SHARED(names_role)
      EXCLUDES(node_role);
  // The same name in another place. NamesLock is held alone.
  void Move(Node& node, const NodeName& from, const NodeName& to) REQUIRES(names_role)
      EXCLUDES(node_role);
  // Before the last name of a node goes: keeps the upper object reachable.
  Sys<void> PinIfLast(Node& node, const NodeRef& dir, std::string_view name)
      REQUIRES_SHARED(names_role) EXCLUDES(node_role);
  // After the name went away on disk. Nothing that fails then brings the name back, so that is
  // logged and no error.
  void Remove(Node& node, const NodeRef& dir, std::string_view name) REQUIRES_SHARED(names_role)
      EXCLUDES(node_role);

  // No name leads to the node, not even one of a multiply linked lower file that it does not know
  // of.
  bool IsNameless(const LockedNode& node) const;

  // One name more of a multiply linked lower file, and one fewer.
  Sys<void> CountUp(const Node& node);
  void CountDown(const Node& node);

 private:
  uint32_t LinkCount(const Node& node) const {
    return upper_->links().Count(node.Identity()).value_or(node.lower_nlink);
  }

  Upper* const upper_;
  Descriptors& descriptors_;
  NodePaths& paths_;
  NodeLocks& locks_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_NODE_NAMES_H_
