// SPDX-License-Identifier: Apache-2.0
//
// DirTable: the merged names of one directory, in memory, in the order of a listing. A name keeps
// its cookie as long as it is there; a cookie is never given out twice, so a listing that goes on
// after changes neither repeats nor skips what stayed (readdir(3) without an open handle to keep a
// snapshot in). A new name comes before all others, behind every listing that has begun: however
// many names a reader makes for those it gets, its listing ends.
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
  static constexpr uint64_t kFirstCookie = 3;  // smaller ones are the caller's

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
  // While the names are read for the first time: the name comes last. `persistent`: its bytes
  // outlive the table. REQUIRES: the name is not there, and nothing was added or dropped.
  Child& Load(std::string_view name, bool persistent);
  // A new name, which comes first. REQUIRES: the name is not there.
  Child& Add(std::string_view name);
  // Lets a name that did not show come first, as a new one does.
  Child& Renew(Child& child);
  // Forgets a name altogether.
  void Drop(Child& child);

  // How many children there are, dead ones included. For tests.
  size_t places() const { return children_.size(); }
  // The place in the order that comes after the name with this cookie, whether that name is still
  // there or not. Cookies below kFirstCookie: the first place.
  size_t After(uint64_t cookie) const;
  // What is at a place, maybe dead. REQUIRES: place < places().
  Child& At(size_t place) { return children_[IndexOf(place)]; }
  // Gives back memory that loading needed more.
  void ShrinkToFit();

 private:
  static constexpr uint32_t kEmpty = 0;
  static constexpr uint32_t kTombstone = 0xFFFFFFFF;

  // The first child that was loaded. Cookies of up to 31 bits suit programs of 32 bits.
  static constexpr int64_t kMiddle = int64_t{1} << 30;
  // Cookies are positive, and places are numbered in both directions from kMiddle on: those below
  // kFirstCookie are moved to the end of the range. A billion names come before that.
  static constexpr int64_t kMoved = INT64_MAX - static_cast<int64_t>(kFirstCookie);
  static uint64_t CookieOf(int64_t order);
  static int64_t OrderOf(uint64_t cookie);
  size_t IndexOf(size_t place) const {
    const size_t added = children_.size() - loaded_;
    return place < added ? children_.size() - 1 - place : place - added;
  }

  Child& Append(std::string_view name, bool persistent, uint64_t cookie);
  Child& AppendNew(std::string_view name, bool persistent);
  const char* Store(std::string_view name);
  void Insert(uint32_t index);
  uint32_t* Slot(std::string_view name);
  void Rehash(size_t buckets);
  bool IsCompactingWorthwhile() const;
  void Compact();
  static size_t BucketsFor(size_t names);

  // Those that were loaded, in their order; then the others, the first in the order being the last
  // here.
  std::vector<Child> children_;
  size_t loaded_ = 0;
  // Index + 1, open addressing; a power of two, or none while small.
  std::vector<uint32_t> buckets_;
  std::vector<std::unique_ptr<char[]>> text_;
  size_t text_used_ = 0;
  size_t text_size_ = 0;
  size_t dead_ = 0;
  size_t used_buckets_ = 0;           // taken or tombstone
  int64_t next_order_ = kMiddle - 1;  // of a new name; downwards
};

}  // namespace veneer

#endif  // VENEER_FS_CORE_DIR_TABLE_H_
