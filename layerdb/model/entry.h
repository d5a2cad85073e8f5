// SPDX-License-Identifier: Apache-2.0
//
// What an object of a tree is: its type and attributes, as values. Used by every module above base.
#ifndef VENEER_LAYERDB_MODEL_ENTRY_H_
#define VENEER_LAYERDB_MODEL_ENTRY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace veneer {

enum class FileType : uint8_t {
  kRegular = 0,
  kDirectory = 1,
  kSymlink = 2,
  kCharDevice = 3,
  kBlockDevice = 4,
  kFifo = 5,
  kSocket = 6,
};

// The set-group-ID bit of a mode; what is made in a directory that has it inherits the group
// (mkdir(2)).
inline constexpr uint16_t kSetGroupId = 02000;

// The S_IFMT bits of a type, and back. `mode` must hold one of the seven types; others give
// kRegular.
uint32_t TypeBits(FileType type);
FileType TypeFromMode(uint32_t mode);

// Seconds since 1970 (negative before) and nanoseconds [0, 1e9).
struct Timestamp {
  int64_t sec = 0;
  uint32_t nsec = 0;
  friend bool operator==(const Timestamp&, const Timestamp&) = default;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

// The attributes of one object. `mode` holds the permission bits only (07777), the type is apart.
struct Attr {
  FileType type = FileType::kRegular;
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t nlink = 1;
  uint32_t rdev_major = 0;
  uint32_t rdev_minor = 0;
  uint64_t ino = 0;     // in the number space of whoever fills it in
  uint64_t size = 0;    // bytes; for a symlink the length of its target
  uint64_t blocks = 0;  // of 512 bytes, allocated
  Timestamp mtime;
  Timestamp atime;
  Timestamp ctime;

  uint32_t FullMode() const { return TypeBits(type) | mode; }
};

// One extended attribute: full name ("user.x") and value; sorted by name wherever a list of them is
// kept.
using Xattr = std::pair<std::string, std::string>;
using XattrList = std::vector<Xattr>;

// The longest name of a directory entry, in bytes (NAME_MAX).
inline constexpr size_t kMaxName = 255;

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_ENTRY_H_
