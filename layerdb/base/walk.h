// SPDX-License-Identifier: Apache-2.0
//
// Whole trees: going through one, removing one, measuring one. A tree may be as deep as it likes: a
// few descriptors are open at a time and no path grows with the depth. Symlinks are never followed.
// What others change meanwhile is no error.
#ifndef VENEER_LAYERDB_BASE_WALK_H_
#define VENEER_LAYERDB_BASE_WALK_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/base/sys.h"

namespace veneer {

// Told of one object; true: go into it, when it is a directory.
using TreeVisitor = FunctionRef<bool(const struct stat& st)>;

// Visits everything below the directory `path`, not that itself. What goes away or may not be read
// is left out; of a directory that is moved meanwhile, what was not seen yet. ENOENT, ENOTDIR:
// there is no such directory.
Sys<void> WalkTree(const std::string& path, TreeVisitor visit);

// Removes the directory `at` with everything in it, directories without permissions too, or what is
// there instead of a directory. Returns the bytes that this freed on disk. Nothing being there is
// no error. When something cannot be removed, everything else is, and the first failure is
// returned. REQUIRES: nobody else uses the directory.
Sys<uint64_t> RemoveTree(sys::At at);
Sys<uint64_t> RemoveTree(const std::string& path);
// Removes everything in the directory that `fd` has open, which may be an O_PATH descriptor.
Sys<uint64_t> RemoveContents(int fd);

struct TreeSize {
  uint64_t on_disk = 0;   // as du(1) counts: blocks and not lengths, directories too
  uint64_t contents = 0;  // the lengths of the regular files
};

// How large directories of one file system are. A file with several names counts once, and nothing
// of other file systems that are mounted in them. Not thread-safe.
class TreeMeasure {
 public:
  // A file or directory with all that is in it, without what was counted before under another name.
  // Something that is gone takes nothing; a directory that may not be read counts without what is
  // in it. The other errors are of the path itself.
  Sys<TreeSize> Of(const std::string& path);

 private:
  void Add(const struct stat& st, TreeSize* size);

  std::set<std::pair<dev_t, ino_t>> linked_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_WALK_H_
