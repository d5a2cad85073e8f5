// SPDX-License-Identifier: Apache-2.0
//
// The values that UnionFs takes and returns. No FUSE type appears here; fs/fuse translates.
#ifndef VENEER_FS_CORE_TYPES_H_
#define VENEER_FS_CORE_TYPES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/model/entry.h"

namespace veneer {

// A node of the mounted tree: a counter, never reused while the mount lives, unrelated to st_ino.
using NodeId = uint64_t;
inline constexpr NodeId kNoNode = 0;  // "this name does not exist", and may be cached
inline constexpr NodeId kRootNode = 1;

// Who asks. Ids are those inside the tree (after the mount's id mapping).
struct Caller {
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t umask = 0;
};

// Whether the caller is in a group. Asked only where it matters: the answer can be slow.
struct GroupTest {
  virtual ~GroupTest() = default;
  virtual bool Contains(uint32_t gid) const = 0;
};

// The answer to a lookup, and to everything that makes a name.
struct Entry {
  NodeId node = kNoNode;
  Attr attr;
};

// What SetAttr changes; an absent field stays. POSIX chmod, chown, truncate, utimensat.
struct AttrChange {
  std::optional<uint32_t> mode = std::nullopt;  // permission bits, 07777
  std::optional<uint32_t> uid = std::nullopt;
  std::optional<uint32_t> gid = std::nullopt;
  std::optional<uint64_t> size = std::nullopt;
  std::optional<Timestamp> atime = std::nullopt;
  std::optional<Timestamp> mtime = std::nullopt;
  bool atime_now = false;
  bool mtime_now = false;
  // ftruncate and O_TRUNC mark the times of a file whose size stays; truncate by a path does not.
  bool size_marks_times = true;
  // The kernel asks to drop set-user-ID, set-group-ID and file capabilities with this change
  // (FATTR_KILL_SUIDGID). A file that its group may not execute keeps set-group-ID, unless `groups`
  // says that the caller is not in its group (setattr_should_drop_sgid() in the kernel).
  bool kill_privileges = false;
  const GroupTest* groups = nullptr;
};

// Bytes of a file, ready to be sent: from `fd` at `offset`, or `bytes`. `keep` holds alive what
// they are in.
struct ReadResult {
  int fd = -1;  // -1: the data is in `bytes`
  uint64_t offset = 0;
  size_t size = 0;
  size_t must = 0;  // so many bytes `fd` must have there; fewer of them are EIO
  std::string_view bytes;
  std::shared_ptr<const void> keep;
};

// One name of a listing. `cookie` is what the next ReadDir starts after.
struct DirEntry {
  std::string_view name;
  uint64_t ino = 0;
  FileType type = FileType::kRegular;
  uint64_t cookie = 0;
};

struct FsStats {
  uint64_t block_size = 0, fragment_size = 0, blocks = 0, blocks_free = 0, blocks_available = 0;
  uint64_t files = 0, files_free = 0;
  uint32_t name_max = 0;
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_TYPES_H_
