// SPDX-License-Identifier: Apache-2.0
//
// UnionFs::Parts: the classes that a mounted tree consists of, in the order in which each needs
// those before it. The verbs of UnionFs are in the .cc files named after them, and use the parts.
#ifndef VENEER_FS_CORE_PARTS_H_
#define VENEER_FS_CORE_PARTS_H_

#include <memory>

#include "fs/core/children.h"
#include "fs/core/copy_up.h"
#include "fs/core/counters.h"
#include "fs/core/descriptors.h"
#include "fs/core/node_attributes.h"
#include "fs/core/node_locks.h"
#include "fs/core/node_names.h"
#include "fs/core/node_paths.h"
#include "fs/core/node_table.h"
#include "fs/core/open_contents.h"
#include "fs/core/union_fs.h"
#include "fs/upper/upper.h"

namespace veneer {

struct UnionFs::Parts {
  Parts(std::shared_ptr<const Layer> lower_tree, std::unique_ptr<Upper> upper_directory,
        const UnionOptions& union_options);

  const std::shared_ptr<const Layer> lower;
  const std::unique_ptr<Upper> upper;  // null: read-only
  const UnionOptions options;
  Counters counters;
  NamesLock names;
  NodeLocks locks;
  Descriptors descriptors;
  NodeTable nodes;
  const NodeRef root;
  NodePaths paths;
  NodeAttributes attributes;
  NodeNames node_names;
  Children children;
  CopyUp copy_up;
  OpenContents contents;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_PARTS_H_
