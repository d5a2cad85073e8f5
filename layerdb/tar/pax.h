// SPDX-License-Identifier: Apache-2.0
//
// PAX extended headers (POSIX.1-2001, pax, "pax Extended Header"): records "LENGTH KEY=VALUE\n".
// Read strictly: a body that is not a list of such records is an error and not a warning, because
// readers that skip what they do not understand see different archives. Pure values.
#ifndef VENEER_LAYERDB_TAR_PAX_H_
#define VENEER_LAYERDB_TAR_PAX_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"
#include "layerdb/tar/block.h"

namespace veneer {

// What extended headers say of an entry. Keys that are not named here are ignored, as POSIX asks.
struct PaxAttributes {
  std::optional<std::string> path;
  std::optional<std::string> linkpath;
  std::optional<std::string> uname;
  std::optional<std::string> gname;
  std::optional<uint64_t> size;
  std::optional<uint64_t> uid;
  std::optional<uint64_t> gid;
  std::optional<Timestamp> mtime;
  std::optional<uint64_t> devmajor;  // SCHILY.devmajor
  std::optional<uint64_t> devminor;
  std::optional<std::string> acl_access;   // SCHILY.acl.access, text
  std::optional<std::string> acl_default;  // SCHILY.acl.default, text
  XattrList xattrs;                        // SCHILY.xattr.*, LIBARCHIVE.xattr.*; in any order
  // GNU.sparse.*: 0.0 and 0.1 carry the map here, 1.0 at the start of the payload.
  bool sparse = false;
  uint64_t sparse_major = 0;
  uint64_t sparse_minor = 0;
  std::vector<SparseExtent> sparse_map;
  std::optional<uint64_t> sparse_offset;  // 0.0: seen, its size not yet
  std::optional<std::string> sparse_name;
  std::optional<uint64_t> real_size;
};

// Reads the body of one extended header into `out`; what it does not name stays as it was (a global
// header, then the one of the entry). An empty value takes a record of a global header back.
Result<void> ParsePax(std::string_view body, PaxAttributes* out);

// "[-]seconds[.fraction]"; nanoseconds beyond nine digits are cut off towards the past. nullopt:
// not a time.
std::optional<Timestamp> ParsePaxTime(std::string_view text);
// The inverse, in the shortest form.
std::string FormatPaxTime(const Timestamp& time);

// One record, its own length included.
std::string PaxRecord(std::string_view key, std::string_view value);
// The key of an extended attribute. '%' and '=' in the name are escaped as GNU tar does, since a
// key ends at '='.
std::string PaxXattrKey(std::string_view xattr_name);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_PAX_H_
