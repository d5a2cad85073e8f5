// SPDX-License-Identifier: Apache-2.0
//
// Children: the names of a directory, merged once, then answered from memory; and the nodes behind
// them. The mutex of the directory is held. Thread-safe.
#ifndef VENEER_FS_CORE_CHILDREN_H_
#define VENEER_FS_CORE_CHILDREN_H_

#include <optional>
#include <string_view>

#include "fs/core/counters.h"
#include "fs/core/node_attributes.h"
#include "fs/core/node_names.h"
#include "fs/core/node_paths.h"
#include "fs/core/node_table.h"

namespace veneer {

class Children {
 public:
  // All must outlive this. No `upper`: the tree is read-only.
  Children(const Layer& lower, Upper* upper, const InoNumbers& numbers, NodeTable& nodes,
           NodePaths& paths, NodeAttributes& attributes, NodeNames& names, Counters& counters)
      : lower_(lower),
        upper_(upper),
        numbers_(numbers),
        nodes_(nodes),
        paths_(paths),
        attributes_(attributes),
        names_(names),
        counters_(counters) {}

  // The errors of a new name.
  static Sys<void> CheckName(std::string_view name);
  // Reads and merges the names, unless that is done.
  Sys<void> Load(const NodeRef& dir) REQUIRES_SHARED(names_role) REQUIRES(dir->directory->mutex);
  // Whether the directory shows no names. Looks up those that only a lookup can tell from a
  // whiteout.
  Sys<bool> IsEmpty(const NodeRef& dir) REQUIRES_SHARED(names_role) REQUIRES(dir->directory->mutex);
  // The node of a visible child, with one reference for the kernel; its attributes too where `attr`
  // is given. ENOENT: it turned out to be a whiteout, and is not visible any more.
  Sys<NodeRef> Acquire(const NodeRef& dir, DirTable::Child& child, Attr* attr)
      REQUIRES_SHARED(names_role) REQUIRES(dir->directory->mutex);

  // Completes a new node from its object below, and one that was made in the upper.
  static void SetLower(Node& node, const LayerObject& object);
  void SetMade(Node& node, uint64_t upper_ino) const;

 private:
  Sys<NodeRef> FromUpper(const NodeRef& dir, DirTable::Child& child, Attr* attr)
      REQUIRES_SHARED(names_role);
  Sys<NodeRef> FromLower(const NodeRef& dir, DirTable::Child& child, Attr* attr)
      REQUIRES_SHARED(names_role);
  // The lower part of an object of the upper: where a redirect says, else under the same name.
  Sys<std::optional<LayerObject>> Below(const Node& dir, const DirTable::Child& child,
                                        const UpperObject& object) const;
  // Whether an object of the upper is the one that all names of its lower file show.
  Sys<bool> IsIndexed(const UpperObject& object) const;
  // Completes a new node from its object in the upper, after SetLower().
  void SetUpper(Node& node, const UpperObject& object, bool indexed) const;
  // Gives the attributes of a node where they are asked for; takes the reference back when that
  // fails.
  Sys<NodeRef> WithAttributes(NodeRef node, Attr* attr) REQUIRES_SHARED(names_role);

  const Layer& lower_;
  Upper* const upper_;
  const InoNumbers& numbers_;
  NodeTable& nodes_;
  NodePaths& paths_;
  NodeAttributes& attributes_;
  NodeNames& names_;
  Counters& counters_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_CHILDREN_H_
