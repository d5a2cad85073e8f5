// SPDX-License-Identifier: Apache-2.0
//
// NodeAttributes: what stat(2) says of a node, and what a write takes away from a file.
// Thread-safe.
#ifndef VENEER_FS_CORE_NODE_ATTRIBUTES_H_
#define VENEER_FS_CORE_NODE_ATTRIBUTES_H_

#include "fs/core/node_paths.h"
#include "fs/core/union_fs.h"

namespace veneer {

class NodeAttributes {
 public:
  // All must outlive this. `static_nlink`: UnionOptions has it.
  NodeAttributes(const Layer& lower, Upper* upper, NodePaths& paths, NodeLocks& locks,
                 bool static_nlink)
      : lower_(lower), upper_(upper), paths_(paths), locks_(locks), static_nlink_(static_nlink) {}

  Sys<Attr> Stat(const Node& node) REQUIRES_SHARED(names_role) EXCLUDES(node_role);
  // The attributes of a node from those of its object below or in the upper, which say some things
  // differently.
  Attr Adjust(const Node& node, Attr attr) const;

  // Does to an object of the upper what AttrChange::kill_privileges says.
  Sys<void> DropPrivileges(sys::At at, const GroupTest* groups) const;

 private:
  const Layer& lower_;
  Upper* const upper_;
  NodePaths& paths_;
  NodeLocks& locks_;
  const bool static_nlink_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_NODE_ATTRIBUTES_H_
