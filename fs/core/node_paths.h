// SPDX-License-Identifier: Apache-2.0
//
// NodePaths: from nodes to what is on disk, in the upper and in the lower tree.
//
// It walks up from a node to the root, and reads the name of each directory on the way without that
// directory's lock, which no thread could take beside the one that it holds. None of these names
// changes meanwhile: NamesLock excludes rename, and a directory that is not empty is not removed.
// Whoever asks for a directory itself holds something that keeps it: its mutex, BusyNodes, or the
// name of a file in it. Thread-safe.
#ifndef VENEER_FS_CORE_NODE_PATHS_H_
#define VENEER_FS_CORE_NODE_PATHS_H_

#include <optional>
#include <string>
#include <string_view>

#include "fs/core/descriptors.h"
#include "fs/core/node_locks.h"
#include "fs/upper/upper.h"
#include "layerdb/base/sys.h"

namespace veneer {

// An object of the upper, held so that system calls can use it.
struct UpperLocation {
  SharedFd fd;
  std::string name;
  sys::At at() const { return {fd->get(), name.c_str()}; }
};

class NodePaths {
 public:
  // All must outlive this. No `upper`: then nothing is asked for there.
  NodePaths(const Layer& lower, Upper* upper, Descriptors& descriptors, NodeLocks& locks,
            const Node& root);

  // The directory that a node is in; null: the root, or nothing leads to it.
  NodeRef Parent(const Node& node) REQUIRES_SHARED(names_role) EXCLUDES(node_role);
  // Whether a directory is `ancestor` or below it.
  static bool IsInside(const Node& dir, const Node& ancestor) REQUIRES_SHARED(names_role);

  // An O_PATH descriptor of a directory that is in the upper.
  Sys<SharedFd> UpperDirectory(const Node& dir) REQUIRES_SHARED(names_role);
  // Where a node is in the upper. ESTALE when no name leads there.
  Sys<UpperLocation> InUpper(const LockedNode& node) REQUIRES_SHARED(names_role);

  // The path of the lower part of a node, from the root of the lower tree, without a leading slash.
  std::string LowerPath(const Node& node) const REQUIRES_SHARED(names_role);
  // The same for a name in a directory.
  std::string LowerPath(const Node& dir, std::string_view name) const REQUIRES_SHARED(names_role);
  Sys<std::optional<LayerObject>> FindLower(std::string_view path) const;

 private:
  const Layer& lower_;
  Upper* const upper_;
  Descriptors& descriptors_;
  NodeLocks& locks_;
  const Node& root_;
  const SharedFd upper_root_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_NODE_PATHS_H_
