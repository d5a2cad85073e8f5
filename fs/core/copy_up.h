// SPDX-License-Identifier: Apache-2.0
//
// CopyUp: bringing an object of the lower tree into the upper before it changes.
//
// A small file goes in one step. So does a large one that is written: its contents are copied into
// a file without a name, without any lock that others need, and the name comes last; whoever is
// killed meanwhile leaves nothing. When the attributes come first (somebody changes them, before or
// during that copy), the contents follow in a second step: the copy is a metadata-only one, whose
// contents are still read from below, until they are all in that same inode and the mark is
// cleared. A crash in between leaves a valid metadata-only copy.
//
// Thread-safe.
#ifndef VENEER_FS_CORE_COPY_UP_H_
#define VENEER_FS_CORE_COPY_UP_H_

#include <optional>
#include <string_view>
#include <vector>

#include "fs/core/busy_nodes.h"
#include "fs/core/copy_times.h"
#include "fs/core/counters.h"
#include "fs/core/node_names.h"
#include "fs/core/node_paths.h"
#include "fs/core/union_fs.h"

namespace veneer {

class CopyUp {
 public:
  // All must outlive this. No `upper`: every copy-up fails with EROFS.
  CopyUp(const Layer& lower, Upper* upper, const UnionOptions& options, NamesLock& names,
         NodeLocks& locks, Descriptors& descriptors, NodePaths& paths, NodeNames& node_names,
         Counters& counters)
      : lower_(lower),
        upper_(upper),
        options_(options),
        names_(names),
        locks_(locks),
        descriptors_(descriptors),
        paths_(paths),
        node_names_(node_names),
        counters_(counters) {}

  // Brings the attributes of a node (and its parents) into the upper.
  Sys<void> Attributes(const NodeRef& node) REQUIRES_SHARED(names_role) EXCLUDES(node_role);
  // Brings the contents too. `truncate`: only so much of them, and that is the file's size then.
  // EINTR: the caller was killed.
  Sys<void> Contents(const NodeRef& node, std::optional<uint64_t> truncate = std::nullopt)
      EXCLUDES(names_role, node_role);
  // A caller has set the times of a file whose contents are not in the upper: a copy under way
  // keeps them.
  void NoteTimes(NodeId node, const CopyTimes::Times& times) { copy_times_.Set(node, times); }
  // As long as it lives, no copy-up brings the node into the upper.
  class Prevention {
   public:
    Prevention(CopyUp& copy_up, const Node& node)
        : guard_(copy_up.busy_, node.id, BusyNodes::Work::kCopyMeta) {}

   private:
    BusyNodes::Guard guard_;
  };

 private:
  struct Copy;
  // What the upper object of a node that has none is to be: attributes, and contents of up to
  // `data_limit` bytes.
  Sys<Copy> Describe(const Node& node, uint64_t data_limit, std::optional<uint64_t> truncate);
  void Count(const Node& node, const Copy& copy);
  // Makes the upper object of a node that has none.
  Sys<void> Whole(const NodeRef& node, uint64_t data_limit, std::optional<uint64_t> truncate)
      REQUIRES_SHARED(names_role) EXCLUDES(node_role);
  // The same for a large file, contents and all, unless its attributes come into the upper
  // meanwhile.
  Sys<void> Large(const NodeRef& node, std::optional<uint64_t> truncate,
                  const BusyNodes::Guard& guard) EXCLUDES(names_role, node_role);
  Sys<void> Publish(const NodeRef& node, Upper::Staged& staged, bool with_data)
      REQUIRES_SHARED(names_role) EXCLUDES(node_role);
  // Lets the staged object appear where the names of the node lead, and gives these names.
  Sys<std::vector<NodeName>> PublishNames(NodeWriter& writer, Upper::Staged& staged)
      REQUIRES_SHARED(names_role);
  // The contents of a metadata-only copy.
  Sys<void> CompleteContents(const NodeRef& node, std::optional<uint64_t> truncate,
                             const BusyNodes::Guard& guard) EXCLUDES(names_role, node_role);
  static void MarkInUpper(const NodeName& name) REQUIRES_SHARED(names_role);

  // The caller has been killed, and nobody else waits for what it is at.
  bool GivenUp(const BusyNodes::Guard& guard) const;
  // Before that many bytes are copied.
  void BeforeCopying(uint64_t size) const;

  const Layer& lower_;
  Upper* const upper_;
  const UnionOptions& options_;
  NamesLock& names_;
  NodeLocks& locks_;
  Descriptors& descriptors_;
  NodePaths& paths_;
  NodeNames& node_names_;
  Counters& counters_;
  BusyNodes busy_;
  CopyTimes copy_times_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_COPY_UP_H_
