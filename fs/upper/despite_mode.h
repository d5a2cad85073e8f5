// SPDX-License-Identifier: Apache-2.0
//
// A daemon that is not root is refused what the mode of a file of its own user forbids: opening it, reading or setting
// user.* xattrs. Users are not refused: they opened the file before its mode became so, or made it that way (O_CREAT with
// mode 0400), and the marks are none of theirs. So the mode is another for the moment that it takes.
#ifndef VENEER_FS_UPPER_DESPITE_MODE_H_
#define VENEER_FS_UPPER_DESPITE_MODE_H_

#include <sys/stat.h>

#include <mutex>
#include <shared_mutex>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"

namespace veneer {

// Does action(at), which gives a Sys<...>. When the mode of the object refuses it to its owner `uid`, does it again with read
// and write permission (and search permission for a directory). `modes`: held alone meanwhile; whoever shows modes to
// others holds it shared. A crash in that moment leaves the permission to the owner.
template <class Action>
auto DespiteMode(std::shared_mutex& modes, uid_t uid, sys::At at, Action action)
    -> decltype(action(at)) {
  auto done = action(at);
  if (done || done.error().code != EACCES) return done;
  const std::lock_guard alone(modes);
  // Whatever happens to the name meanwhile: what is looked at, changed and put back is one object.
  const auto object = sys::Open(at, O_PATH);
  if (!object) return done;
  const auto st = sys::Stat({object->get()});
  if (!st || st->st_uid != uid || S_ISLNK(st->st_mode)) return done;
  const mode_t mode = st->st_mode & 07777;
  const mode_t needed = S_ISDIR(st->st_mode) ? S_IRWXU : S_IRUSR | S_IWUSR;
  if ((mode & needed) == needed) return done;
  VENEER_TRY_VOID(sys::Chmod({object->get()}, mode | needed));
  done = action({object->get()});
  VENEER_TRY_VOID(sys::Chmod({object->get()}, mode));
  return done;
}

}  // namespace veneer

#endif  // VENEER_FS_UPPER_DESPITE_MODE_H_
