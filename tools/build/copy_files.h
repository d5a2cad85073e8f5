// SPDX-License-Identifier: Apache-2.0
//
// What COPY puts where (the Dockerfile reference, "COPY"): its sources are looked for in a tree,
// wildcards by the rules of Go's filepath.Match, and are put into a CopyTree. Nothing is written.
#ifndef VENEER_TOOLS_BUILD_COPY_FILES_H_
#define VENEER_TOOLS_BUILD_COPY_FILES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/copy_tree.h"
#include "tools/build/source_tree.h"
#include "tools/dockerfile/chmod_change.h"
#include "tools/dockerfile/ignore_file.h"

namespace veneer {

struct CopyRequest {
  std::vector<std::string> sources;  // from the root of the tree, with or without a slash in front
  std::string destination;           // absolute, a slash at its end where one is written
  // The owner of all that is copied and made. nullopt: as in the source, and root's where it is
  // made.
  std::optional<std::pair<uint32_t, uint32_t>> owner;
  std::optional<ChmodChange> chmod;     // of files and of directories in the source
  const IgnoreFile* ignored = nullptr;  // of the source tree; null: nothing is
  IgnoreFile exclude;                   // --exclude, from each source on
  bool parents = false;                 // --parents: the path of a source behind "./" is made too
  Timestamp time;                       // of directories that are made
  const Cancellation* cancel = nullptr;
  // Asked of each source that is a regular file, before it is put: true when it was put in another
  // way, as an archive is that is unpacked. Empty: nothing is.
  std::function<Result<bool>(const LayerObject& file, const std::string& path)> take = {};
};

// Puts the sources of `request`, which are in `from`, into `into`. Both outlive the CopyTree.
// Errors, with the path: a source without a wildcard that is not there (kNotFound) or is ignored;
// several sources and a destination without a slash at its end; an object of another type in the
// way; a socket, which no image layer can hold; what cannot be read.
Result<void> CopyFiles(SourceTree& from, const CopyRequest& request, CopyTree* into);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_COPY_FILES_H_
