// SPDX-License-Identifier: Apache-2.0
//
// Renaming in the upper. The steps are ordered so that a crash between two of them shows the old or
// the new state of every name, never an object that was removed. An empty directory that was to be
// replaced by another may be gone.
#include <linux/fs.h>

#include "fs/upper/despite_mode.h"
#include "fs/upper/upper.h"
#include "layerdb/base/walk.h"

namespace veneer {

Sys<bool> Upper::Move(sys::At from, bool from_is_dir, sys::At to, Occupied to_is,
                      bool leave_whiteout) const {
  if (from_is_dir && to_is == Occupied::kFile) {
    // A whiteout: rename(2) replaces no file by a directory, but the two may change places, and
    // what is left at `from` hides what `from` hid.
    VENEER_TRY_VOID(Rename(from, to, RENAME_EXCHANGE));
    return leave_whiteout || !sys::Unlink(from);
  }
  auto move = [&]() -> Sys<void> {
    if (leave_whiteout) return MoveLeavingWhiteout(from, from_is_dir, to, to_is);
    return to_is == Occupied::kNothing ? RenameIntoEmpty(from, to) : Rename(from, to, 0);
  };
  auto done = move();
  if (!done && to_is == Occupied::kDirectory &&
      (done.error().code == ENOTEMPTY || done.error().code == EEXIST)) {
    // The directory to be replaced holds whiteouts only. Opaque it shows the same without them.
    VENEER_TRY_VOID(SetOpaque(to));
    VENEER_TRY_VOID(DespiteMode(modes_, uid_, to, [](sys::At directory) -> Sys<void> {
      VENEER_TRY(const Fd fd, sys::Open(directory, O_RDONLY | O_DIRECTORY));
      VENEER_TRY_VOID(RemoveContents(fd.get()));
      return {};
    }));
    done = move();
  }
  if (!done) return Fail(done.error());
  return leave_whiteout;
}

// Without RENAME_WHITEOUT (nfs, a union in a union) it takes two steps. A directory, or what goes
// to where nothing is: the new place becomes a whiteout first, then the two change places.
Sys<void> Upper::MoveLeavingWhiteout(sys::At from, bool from_is_dir, sys::At to,
                                     Occupied to_is) const {
  if (rename_whiteout_) {
    auto done = Rename(from, to, RENAME_WHITEOUT);
    if (done || done.error().code != EINVAL) return done;
  }
  if (to_is == Occupied::kDirectory) {
    VENEER_TRY(const Fd fd, OpenFile(to, O_RDONLY | O_DIRECTORY));
    bool empty = true;
    VENEER_TRY_VOID(sys::ReadDir(fd.get(), [&](const sys::Dirent&) { empty = false; }));
    if (!empty) return Fail(ENOTEMPTY);
  }
  VENEER_TRY(const std::string name, StageWhiteout(from.fd));
  Staged whiteout(this, name, Fd());
  if (to_is != Occupied::kNothing && !from_is_dir) {
    return ReplaceLeavingWhiteout(from, to, whiteout.at());
  }
  if (to_is == Occupied::kNothing) {
    VENEER_TRY_VOID(RenameIntoEmpty(whiteout.at(), to));
  } else {
    VENEER_TRY_VOID(Rename(whiteout.at(), to, RENAME_EXCHANGE));
  }
  auto done = Rename(from, to, RENAME_EXCHANGE);
  if (!done) {
    const unsigned back = to_is == Occupied::kNothing ? 0 : RENAME_EXCHANGE;
    const auto undone = Rename(to, whiteout.at(), back);
    IgnoreError(undone, "the first error is the one to be told");
  } else if (to_is == Occupied::kNothing) {
    whiteout.name_.clear();
  }
  return done;
}

// A file that replaces another has both names for a moment, so that neither is ever missing, nor
// shows what was replaced.
Sys<void> Upper::ReplaceLeavingWhiteout(sys::At from, sys::At to, sys::At whiteout) const {
  const std::string name = TempName();
  const sys::At second{work_.get(), name.c_str()};
  VENEER_TRY_VOID(LinkName(from, second));
  const Staged replaced(this, name, Fd());
  VENEER_TRY_VOID(Rename(second, to, RENAME_EXCHANGE));
  auto done = Rename(whiteout, from, RENAME_EXCHANGE);
  if (!done) {
    const auto undone = Rename(second, to, RENAME_EXCHANGE);
    IgnoreError(undone, "the first error is the one to be told");
  }
  return done;
}

Sys<void> Upper::Exchange(sys::At a, sys::At b) const { return Rename(a, b, RENAME_EXCHANGE); }

}  // namespace veneer
