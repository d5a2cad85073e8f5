// SPDX-License-Identifier: Apache-2.0
//
// The byte layout of a sealed index, key by key. An index is one LMDB tree with two kinds of keys,
// in byte order:
//
//   entry   key   u64 big-endian  inode number of the directory (0 for the root itself)
//                 bytes           name, 1..255 (empty for the root)
//           value a record, below
//   name    key   u64 big-endian  2^63 | inode number
//                 u64 big-endian  inode number of the directory that holds the name
//                 bytes           name
//           value empty.  One for every directory but the root, and for every name of a hard-linked
//           file.
//
// A record (numbers in the machine's byte order, like LMDB's own; unaligned):
//
//    0  u32  length of the record, this field included
//    4  u16  st_mode: file type and permission bits
//    6  u16  flags, RecordFlag; a whiteout ends here
//    8  u64  inode number
//   16  u64  size
//   24  i64  mtime, seconds          32  u32  nanoseconds
//   36  u32  uid                     40  u32  gid             44  u32  nlink
//   48  the parts that its flags announce, in this order:
//         kBlocks   u64 512-byte blocks, where that is not simply the size rounded up to 4096
//         kDevice   u32 major, u32 minor
//         kAtime    i64 seconds, u32 nanoseconds
//         kCtime    i64 seconds, u32 nanoseconds
//         kObject   16 bytes XXH3-128 of the object, u32 collision number
//         kSlice    u64 offset in the object: the contents are the `size` bytes there. Without it
//                   they are the whole object
//         kXattrs   u32 length of this part after this field; then for each: u16 name length,
//                   u32 value length, name, value; sorted by name
//         kInline   the contents (regular file) or the target (symlink), `size` bytes
//
// Thread-safety: values only.
#ifndef VENEER_LAYERDB_INDEX_RECORDS_H_
#define VENEER_LAYERDB_INDEX_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/hash.h"
#include "layerdb/model/entry.h"

namespace veneer {

inline constexpr uint64_t kIndexRootIno = 1;
// Inode numbers lie below this.
inline constexpr uint64_t kIndexMaxIno = uint64_t{1} << 48;

// A content in the store's objects: two different contents of one hash differ in `seq`.
struct ObjectRef {
  Hash128 hash{};
  uint32_t seq = 0;
  friend bool operator==(const ObjectRef&, const ObjectRef&) = default;
  friend auto operator<=>(const ObjectRef&, const ObjectRef&) = default;
};

// "ab/cdef…" below the objects directory, with ".<seq>" where seq > 0.
std::string ObjectPath(const ObjectRef& ref);
// The inverse; nullopt for a path that ObjectPath() does not make.
std::optional<ObjectRef> ParseObjectPath(std::string_view path);

// One entry as it is written into an index. Contents of a regular file: `object` (all of it, or the
// attr.size bytes at `slice`), or `inline_bytes` (of exactly attr.size bytes), or neither for an
// empty file. attr.nlink of a file = the number of its names in this index; of a directory it is
// not kept (always 1).
struct IndexEntry {
  Attr attr;
  bool whiteout = false;  // the name is deleted; everything else is ignored
  bool opaque = false;    // directory: nothing from below shows through
  // Directory: no entry of the layer describes it, only entries within it. When layers are merged,
  // a directory of this name below keeps its attributes; the ones here count where there is none.
  bool implied = false;
  bool has_atime = false;  // attr.atime is kept; else it reads as mtime
  bool has_ctime = false;  // attr.ctime is kept; else it reads as mtime
  std::optional<ObjectRef> object;
  std::optional<uint64_t> slice;
  std::string inline_bytes;
  std::string target;  // symlink
  XattrList xattrs;    // in any order
};

enum RecordFlag : uint16_t {
  kRecordWhiteout = 1 << 0,
  kRecordOpaque = 1 << 1,
  kRecordBlocks = 1 << 2,
  kRecordDevice = 1 << 3,
  kRecordAtime = 1 << 4,
  kRecordCtime = 1 << 5,
  kRecordObject = 1 << 6,
  kRecordXattrs = 1 << 7,
  kRecordInline = 1 << 8,
  kRecordImplied = 1 << 9,
  kRecordSlice = 1 << 10,
};

// The blocks of a file without holes.
inline uint64_t DenseBlocks(uint64_t size) { return (size + 4095) / 4096 * 8; }

// A record read where it lies, without copying. Valid as long as the bytes are.
class EntryView {
 public:
  // `bytes` starts with a record and may go on after it. nullopt: not a well-formed record. Nothing
  // outside `bytes` is ever read, whatever they hold.
  static std::optional<EntryView> Parse(std::string_view bytes);

  bool whiteout() const { return (flags_ & kRecordWhiteout) != 0; }
  bool opaque() const { return (flags_ & kRecordOpaque) != 0; }
  bool implied() const { return (flags_ & kRecordImplied) != 0; }
  // The rest is not set for a whiteout.
  FileType type() const { return type_; }
  uint64_t ino() const;
  uint32_t nlink() const;
  uint64_t size() const;
  Attr attr() const;
  std::optional<ObjectRef> object() const;
  // Where in the object the contents begin; nullopt: they are all of it.
  std::optional<uint64_t> slice() const;
  // The contents of a regular file kept in the index, or the target of a symlink.
  std::string_view inline_bytes() const { return inline_; }
  bool has_xattrs() const { return !xattrs_.empty(); }
  std::optional<std::string_view> FindXattr(std::string_view name) const;
  void ForEachXattr(FunctionRef<void(std::string_view name, std::string_view value)> sink) const;
  // The record itself.
  std::string_view bytes() const { return bytes_; }
  // A copy that owns everything.
  IndexEntry ToEntry() const;

 private:
  std::string_view bytes_;
  std::string_view xattrs_;
  std::string_view inline_;
  uint32_t object_at_ = 0;
  uint16_t flags_ = 0;
  FileType type_ = FileType::kRegular;
};

// Appends the record of `entry` to `out`.
void AppendRecord(const IndexEntry& entry, std::string* out);

// Where the link count lies in a record, and how it is changed in one. REQUIRES: a record, no
// whiteout.
inline constexpr size_t kNlinkOffset = 44;
void SetRecordNlink(std::string* record, uint32_t nlink);

// Keys.
inline constexpr uint64_t kNameKeyBit = uint64_t{1} << 63;
std::string EntryKey(uint64_t dir, std::string_view name);
std::string NameKey(uint64_t ino, uint64_t dir, std::string_view name);
// The big-endian number at offset `at` of a key. REQUIRES: at + 8 <= key.size().
uint64_t LoadKeyNumber(std::string_view key, size_t at);
// True for a name that a directory may hold: 1..255 bytes, not "." or "..", no '/' and no NUL.
bool IsValidName(std::string_view name);

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_RECORDS_H_
