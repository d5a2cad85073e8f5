// SPDX-License-Identifier: Apache-2.0
//
// DirTable: the merged names of one directory, in memory. A name keeps its cookie as long as it is
// there; a cookie is never given out twice, so a listing that goes on after changes neither repeats
// nor skips what stayed (readdir(3) without an open handle to keep a snapshot in).
//
// Also remembers names that do not show, but matter when the name is made again: lower names that
// are deleted, and whiteouts. Not thread-safe; guarded by Directory::mutex.
#ifndef VENEER_FS_CORE_DIR_TABLE_H_
#define VENEER_FS_CORE_DIR_TABLE_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "fs/core/types.h"

namespace veneer {

class DirTable {
 public:
  struct Child {
    uint64_t cookie = 0;
    NodeId node = kNoNode;  // may have been forgotten since; ids are never reused
    uint64_t hint = 0;      // for Layer::Lookup, where in_lower
    uint64_t ino = 0;       // st_ino; 0: not known yet
    const char* text = nullptr;
    uint8_t length = 0;
    FileType type = FileType::kRegular;
    bool visible = true;
    bool in_upper = false;  // the upper has an object of this name
    bool in_lower = false;  // the lower tree shows an object of this name to this directory
    bool whiteout = false;  // the upper has a whiteout of this name
    bool dead = false;      // not a name any more, only a place in the order

    std::string_view name() const { return {text, length}; }
  };

  // Null when nothing is known of the name. Valid until the next Add, Renew or Drop.
  Child* Find(std::string_view name);
  // REQUIRES: the name is not there. `persistent`: the bytes of `name` outlive the table.
  Child& Add(std::string_view name, bool persistent);
  // Lets a name show again, at the end of the order.
  Child& Renew(Child& child);
  // Forgets a name altogether.
  void Drop(Child& child);

  // How many children there are, dead ones included. For tests.
  size_t places() const { return children_.size(); }
  bool empty() const;  // nothing visible
  // The children whose cookie is greater than `cookie`, dead ones included.
  std::vector<Child>::iterator After(uint64_t cookie);
  std::vector<Child>::iterator end() { return children_.end(); }
  // Gives back memory that loading needed more.
  void ShrinkToFit();

 private:
  static constexpr uint32_t kEmpty = 0;
  static constexpr uint32_t kTombstone = 0xFFFFFFFF;

  Child& Append(std::string_view name, bool persistent);
  const char* Store(std::string_view name);
  void Insert(uint32_t index);
  uint32_t* Slot(std::string_view name);
  void Rehash(size_t buckets);
  bool IsCompactingWorthwhile() const;
  void Compact();
  static size_t BucketsFor(size_t names);

  std::vector<Child> children_;  // by cookie
  // Index + 1, open addressing; a power of two, or none while small.
  std::vector<uint32_t> buckets_;
  std::vector<std::unique_ptr<char[]>> text_;
  size_t text_used_ = 0;
  size_t text_size_ = 0;
  size_t dead_ = 0;
  size_t used_buckets_ = 0;   // taken or tombstone
  uint64_t next_cookie_ = 3;  // 1 and 2 are "." and ".."
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_DIR_TABLE_H_
