// SPDX-License-Identifier: Apache-2.0
//
// The bytes in front of an entry's data, as this project writes archives: POSIX ustar, with a PAX
// header exactly where ustar cannot say it (long names, large numbers, nanoseconds, extended
// attributes, sparse files). Nothing else goes in: no user and group names, no access and change
// times. The same entry gives the same bytes for ever, since the diff ids of committed layers
// depend on it. Pure.
#ifndef VENEER_LAYERDB_TAR_WRITER_H_
#define VENEER_LAYERDB_TAR_WRITER_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/model/entry.h"
#include "layerdb/tar/block.h"

namespace veneer {

struct TarOutput {
  std::string_view path;  // from the root, no slash in front and none at the end; "" is the root
  Attr attr;  // type (not a socket), mode, uid, gid, rdev, mtime; size of a regular file
  std::string_view link;  // target of a symlink; of a hard link the path
  bool hard_link = false;
  // Sorted by name; null: none. ACLs as system.posix_acl_*. A hard link has those of the file:
  // Docker and containers/storage give the file the owner of each of its entries, and with that the
  // kernel takes its capabilities away.
  const XattrList* xattrs = nullptr;
  // Regular file: where its data lies, when it is written sparse (PAX 1.0). Null: written whole.
  const std::vector<SparseExtent>* sparse = nullptr;
};

// The headers of an entry, and the sparse map. What follows is the data (all of it, or the extents
// one after the other), then TarPadding() of its length.
std::string EncodeTarEntry(const TarOutput& entry);

// Readers that unpack an entry into a directory with a default ACL let it inherit that, where the
// entry has none of its own (Docker and containers/storage do), and so give it rights. Such an
// entry is written with an empty ACL, which takes the inherited one away again. One for each
// archive; entries come with directories before what is in them.
class InheritedAcls {
 public:
  // The attributes to write for `entry`. Valid until the next call, and as long as its own are.
  const XattrList* Undo(const TarOutput& entry);

 private:
  std::set<std::string, std::less<>> defaults_;  // directories that have a default ACL
  XattrList list_;
};

// The two blocks of zeros that end an archive.
std::string TarEndMark();

// The pieces of a file that hold data, when it is written sparse: `zero_runs` are its runs of zeros
// (ascending, apart). Only runs of at least kSparseRun bytes count, so that the answer depends on
// the contents and not on the file system. They have to come to kMinHoles (block.h). Empty result
// with *sparse false: write it whole.
inline constexpr uint64_t kSparseRun = uint64_t{64} << 10;
std::vector<SparseExtent> DataExtents(const std::vector<SparseExtent>& zero_runs, uint64_t size,
                                      bool* sparse);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_WRITER_H_
