// SPDX-License-Identifier: Apache-2.0
//
// Renaming in the upper. The steps are ordered so that a crash between two of them shows the old or
// the new state of every name, never an object that was removed.
#include <linux/fs.h>

#include "fs/upper/remove_tree.h"
#include "fs/upper/upper.h"

namespace veneer {

Sys<void> Upper::Move(sys::At from, bool from_is_dir, sys::At to, Occupied to_is,
                      bool leave_whiteout) const {
  if (from_is_dir && to_is == Occupied::kFile) {
    // A whiteout: rename(2) replaces no file by a directory, but the two may change places, and
    // what is left at `from` hides what `from` hid.
    VENEER_TRY_VOID(sys::Rename(from, to, RENAME_EXCHANGE));
    return leave_whiteout ? Sys<void>() : sys::Unlink(from);
  }
  auto move = [&]() -> Sys<void> {
    if (leave_whiteout) return MoveLeavingWhiteout(from, to, to_is);
    return to_is == Occupied::kNothing ? RenameIntoEmpty(from, to) : sys::Rename(from, to, 0);
  };
  auto done = move();
  if (done || to_is != Occupied::kDirectory) return done;
  if (done.error().code != ENOTEMPTY && done.error().code != EEXIST) return done;
  // The directory to be replaced holds whiteouts only. Opaque it shows the same without them.
  VENEER_TRY_VOID(SetOpaque(to));
  VENEER_TRY(const Fd fd, sys::Open(to, O_RDONLY | O_DIRECTORY));
  VENEER_TRY_VOID(RemoveContents(fd.get()));
  return move();
}

// Without RENAME_WHITEOUT (it needs CAP_MKNOD) a whiteout goes to the new place first, then the two
// change places in one step. Where the new place holds an object that is not possible: then the
// object at `to` is the new one at once, and the old name shows what was at `to` until the second
// step.
Sys<void> Upper::MoveLeavingWhiteout(sys::At from, sys::At to, Occupied to_is) const {
  if (rename_whiteout_) {
    auto done = sys::Rename(from, to, RENAME_WHITEOUT);
    if (done || done.error().code != EINVAL) return done;
  }
  if (to_is == Occupied::kDirectory) {
    VENEER_TRY(const Fd fd, sys::Open(to, O_RDONLY | O_DIRECTORY));
    bool empty = true;
    VENEER_TRY_VOID(sys::ReadDir(fd.get(), [&](const sys::Dirent&) { empty = false; }));
    if (!empty) return Fail(ENOTEMPTY);
  }
  VENEER_TRY(const std::string name, StageWhiteout(from.fd));
  Staged whiteout(this, name, Fd());
  if (to_is == Occupied::kNothing) {
    VENEER_TRY_VOID(RenameIntoEmpty(whiteout.at(), to));
    whiteout.name_.clear();
    return sys::Rename(from, to, RENAME_EXCHANGE);
  }
  VENEER_TRY_VOID(sys::Rename(from, to, RENAME_EXCHANGE));
  // The destructor of `whiteout` removes what was replaced.
  return sys::Rename(whiteout.at(), from, RENAME_EXCHANGE);
}

Sys<void> Upper::Exchange(sys::At a, sys::At b) const { return sys::Rename(a, b, RENAME_EXCHANGE); }

}  // namespace veneer
