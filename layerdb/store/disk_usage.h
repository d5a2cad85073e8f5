// SPDX-License-Identifier: Apache-2.0
//
// What a directory takes on disk, counted as du(1) counts: blocks and not lengths, directories too, a file with several
// names once, nothing of other file systems that are mounted in it. Trees may be as deep as they like (tree_walk.h).
#ifndef VENEER_LAYERDB_STORE_DISK_USAGE_H_
#define VENEER_LAYERDB_STORE_DISK_USAGE_H_

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "layerdb/base/result.h"

struct stat;

namespace veneer {

// Counts several directories of one file system. Not thread-safe.
class DiskUsage {
 public:
  // Bytes of a file or directory with all that is in it, without what was counted before under another name. Something that
  // is gone takes nothing; a directory that may not be read counts without what is in it. The other errors are of the
  // path itself.
  Sys<uint64_t> Of(const std::string& path);

 private:
  uint64_t BytesOf(const struct stat& st);

  std::set<std::pair<dev_t, ino_t>> linked_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_STORE_DISK_USAGE_H_
