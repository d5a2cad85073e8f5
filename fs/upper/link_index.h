// SPDX-License-Identifier: Apache-2.0
//
// LinkIndex: keeps lower files that have several names together after copy-up, and their link
// counts right.
//
//   WORK/veneer/links/<ino>   a further name of the upper inode of the lower file <ino> (16 hex
//                             digits of its
//                             Origin::Identity()); all lower names of that file now show this inode
//   WORK/veneer/nlink/<ino>   symlink whose target is st_nlink of the lower file in decimal, where
//                             it is no longer what
//                             the lower says; its time of modification is when the count last
//                             changed
//
// Both are read once, at mount, and kept in memory. Thread-safe.
#ifndef VENEER_FS_UPPER_LINK_INDEX_H_
#define VENEER_FS_UPPER_LINK_INDEX_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "layerdb/base/fd.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/entry.h"

namespace veneer {

// The file name of an inode number in the index.
struct LinkName {
  explicit LinkName(uint64_t ino);
  std::array<char, 17> text;
};

class LinkIndex {
 public:
  // Makes WORK/veneer and reads what is there. `workdir`: borrowed for the call.
  static Sys<std::unique_ptr<LinkIndex>> Open(int workdir);

  // True when the lower file `ino` has been copied up.
  bool Has(uint64_t ino) const;
  // The directory of the names.
  const Fd& dir() const { return links_; }
  // Where a file's name in the index is; borrowed from `name`.
  sys::At Place(const LinkName& name) const { return {links_.get(), name.text.data()}; }
  // To be called after the name was made there.
  void Added(uint64_t ino);

  // st_nlink of the lower file `ino`, where it is no longer what the lower says.
  std::optional<uint32_t> Count(uint64_t ino) const;
  // When that count last changed: a file that is not copied up has this st_ctime.
  std::optional<Timestamp> Changed(uint64_t ino) const;
  Sys<void> SetCount(uint64_t ino, uint32_t count);
  // A name of the file is gone; without another one (0) so is the file. An error (a full disk)
  // keeps the number from the disk, not from here: it counts until the next mount.
  Sys<void> CountDown(uint64_t ino, uint32_t count);

 private:
  LinkIndex(Fd links, Fd counts) : links_(std::move(links)), counts_(std::move(counts)) {}
  // Reads what is there.
  Sys<void> Load();
  const Fd links_;
  const Fd counts_;
  mutable Mutex mutex_;
  std::unordered_set<uint64_t> have_ GUARDED_BY(mutex_);
  struct Number {
    uint32_t count;
    Timestamp changed;
  };
  Sys<Timestamp> ChangedOnDisk(const LinkName& name) const;
  Sys<Timestamp> WriteCount(uint64_t ino, uint32_t count) REQUIRES(mutex_);
  std::unordered_map<uint64_t, Number> numbers_ GUARDED_BY(mutex_);
};

}  // namespace veneer

#endif  // VENEER_FS_UPPER_LINK_INDEX_H_
