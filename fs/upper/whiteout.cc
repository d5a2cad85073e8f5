// SPDX-License-Identifier: Apache-2.0
//
// Hiding and removing.
#include <linux/fs.h>
#include <sys/xattr.h>

#include "fs/upper/upper.h"
#include "layerdb/base/walk.h"
#include "layerdb/model/dialect.h"

namespace veneer {

Upper::~Upper() {
  if (whiteout_.empty()) return;
  const auto removed = sys::Unlink({work_.get(), whiteout_.c_str()});
  IgnoreError(removed, "the work directory is emptied at the next mount");
}

// A whiteout under a temporary name in the work directory. All device whiteouts are one inode with
// many names, as the kernel makes them: it saves an inode and its journal blocks per deleted file.
Sys<std::string> Upper::StageWhiteout(int parent_fd) const {
  std::string name = TempName();
  const sys::At temp{work_.get(), name.c_str()};
  if (!device_whiteouts_) {
    VENEER_TRY_VOID(sys::MakeNode(temp, S_IFREG | 0600, 0));
    Staged guard(this, name, Fd());
    VENEER_TRY_VOID(sys::SetXattr(temp, Mark(kMarkWhiteout).c_str(), "y", 0));
    // The directory must say that it holds such; an opaque one needs no whiteouts and keeps its
    // mark.
    const auto marked = sys::SetXattr({parent_fd}, Mark(kMarkOpaque).c_str(), "x", XATTR_CREATE);
    if (!marked && marked.error().code != EEXIST) return Fail(marked.error());
    guard.name_.clear();
    return name;
  }
  const MutexLock lock(whiteout_mutex_);
  if (!whiteout_.empty() && sys::Link({work_.get(), whiteout_.c_str()}, temp)) return name;
  // None yet, or it has as many names as the file system allows, or linking is refused.
  VENEER_TRY_VOID(sys::MakeNode(temp, S_IFCHR, 0));
  std::string shared = TempName();
  if (sys::Link(temp, {work_.get(), shared.c_str()})) {
    const std::string old = std::exchange(whiteout_, std::move(shared));
    if (!old.empty()) {
      const auto removed = sys::Unlink({work_.get(), old.c_str()});
      IgnoreError(removed, "the work directory is emptied at the next mount");
    }
  }
  return name;
}

// One system call for the common case: the place is empty and the shared whiteout exists.
bool Upper::LinkSharedWhiteout(sys::At place) const {
  const MutexLock lock(whiteout_mutex_);
  return !whiteout_.empty() && sys::Link({work_.get(), whiteout_.c_str()}, place).has_value();
}

Sys<void> Upper::Whiteout(sys::At place, Occupied by) const {
  if (by == Occupied::kNothing && LinkSharedWhiteout(place)) return {};
  VENEER_TRY(const std::string name, StageWhiteout(place.fd));
  Staged temp(this, name, Fd());
  switch (by) {
    case Occupied::kNothing: {
      VENEER_TRY_VOID(RenameIntoEmpty(temp.at(), place));
      temp.name_.clear();
      return {};
    }
    case Occupied::kFile: {
      VENEER_TRY_VOID(Rename(temp.at(), place, 0));
      temp.name_.clear();
      return {};
    }
    case Occupied::kDirectory: {
      VENEER_TRY_VOID(Rename(temp.at(), place, RENAME_EXCHANGE));
      const auto removed = RemoveTree(temp.at());
      IgnoreError(removed, "the work directory is emptied at the next mount");
      return {};
    }
  }
  return Fail(EINVAL);
}

Sys<void> Upper::Remove(sys::At place, Occupied by) const {
  switch (by) {
    case Occupied::kNothing: return {};
    case Occupied::kFile: return sys::Unlink(place);
    case Occupied::kDirectory: break;
  }
  const auto removed = sys::RemoveDir(place);
  if (removed || (removed.error().code != ENOTEMPTY && removed.error().code != EEXIST)) {
    return removed;
  }
  // Only whiteouts are left in it: out of sight in one step, then emptied.
  const std::string name = TempName();
  const sys::At temp{work_.get(), name.c_str()};
  VENEER_TRY_VOID(Rename(place, temp, 0));
  const auto emptied = RemoveTree(temp);
  IgnoreError(emptied, "the work directory is emptied at the next mount");
  return {};
}

}  // namespace veneer
