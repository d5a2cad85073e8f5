// SPDX-License-Identifier: Apache-2.0
//
// OpenContents: a descriptor, or the bytes, of the contents of a file, wherever they are. No
// request depends on an earlier one: descriptors come from a bounded cache. Thread-safe.
#ifndef VENEER_FS_CORE_OPEN_CONTENTS_H_
#define VENEER_FS_CORE_OPEN_CONTENTS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fs/core/copy_up.h"
#include "fs/core/counters.h"
#include "fs/core/node_paths.h"

namespace veneer {

class OpenContents {
 public:
  struct Opened {
    SharedFd fd;             // null: the contents are `bytes`
    std::string_view bytes;  // live as long as the lower layer and `keep`
    std::shared_ptr<const std::string> keep;
    std::optional<uint64_t> known_size = std::nullopt;  // Layer::KnownSize() of `fd`
    bool append_only = false;  // `fd` writes at the end of the file, whatever the offset
  };

  // All must outlive this.
  OpenContents(const Layer& lower, Upper* upper, NamesLock& names, NodeLocks& locks,
               Descriptors& descriptors, NodePaths& paths, CopyUp& copy_up, Counters& counters)
      : lower_(lower),
        upper_(upper),
        names_(names),
        locks_(locks),
        descriptors_(descriptors),
        paths_(paths),
        copy_up_(copy_up),
        counters_(counters) {}

  // For reading. EISDIR, EINVAL: the node is no regular file.
  Sys<Opened> ForReading(const NodeRef& node) EXCLUDES(names_role, node_role) {
    return Open(node, false);
  }
  // For reading and writing. The contents are in the upper then.
  Sys<Opened> ForWriting(const NodeRef& node) EXCLUDES(names_role, node_role) {
    return Open(node, true);
  }

 private:
  Sys<Opened> Open(const NodeRef& node, bool write) EXCLUDES(names_role, node_role);
  Sys<Opened> Below(const Node& node);
  Sys<Opened> InUpper(const LockedNode& node, bool write) REQUIRES_SHARED(names_role);
  // A file without a name keeps one descriptor, which becomes as able as it has to be.
  Sys<Opened> Pinned(Node& node, bool write) REQUIRES_SHARED(names_role) EXCLUDES(node_role);
  SharedFd Cached(NodeId id, Descriptors::Kind kind);

  const Layer& lower_;
  Upper* const upper_;
  NamesLock& names_;
  NodeLocks& locks_;
  Descriptors& descriptors_;
  NodePaths& paths_;
  CopyUp& copy_up_;
  Counters& counters_;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_OPEN_CONTENTS_H_
