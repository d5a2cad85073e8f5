// SPDX-License-Identifier: Apache-2.0
//
// A daemon that is not root is refused what the mode of a file of its own user forbids: opening it,
// reading or setting user.* xattrs, changing the names in a directory, moving a directory (its
// entry ".." is written). Users are not refused: they opened the file before its mode became so, or
// made it that way (O_CREAT with mode 0400), or change a name elsewhere (a copy-up), and the marks
// are none of theirs. So the mode is another for the moment that it takes.
#ifndef VENEER_FS_UPPER_DESPITE_MODE_H_
#define VENEER_FS_UPPER_DESPITE_MODE_H_

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/sys.h"

namespace veneer {

// The permissions that an object lacked for its owner, given to it for a while.
struct WidenedMode {
  Fd object;  // whatever happens to its name meanwhile; none: it lacked nothing
  mode_t mode = 0;
};

// True where a chmod by the object's owner keeps a set-group-ID bit: not by one who is not in its
// group. (Whoever has capabilities over the object is not refused.)
inline bool KeepsSetGroupId(const struct stat& st) {
  if ((st.st_mode & S_ISGID) == 0 || st.st_gid == ::getegid()) return true;
  std::vector<gid_t> groups(NGROUPS_MAX);
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  return count > 0 &&
         std::find(groups.begin(), groups.begin() + count, st.st_gid) != groups.begin() + count;
}

// Gives an object of the user `uid` read and write permission for its owner (a directory search
// permission, too). Not where it would lose its set-group-ID bit: that could not be given back.
inline Sys<WidenedMode> WidenMode(uid_t uid, sys::At at) {
  VENEER_TRY(Fd object, sys::Open(at, O_PATH));
  VENEER_TRY(const struct stat st, sys::Stat({object.get()}));
  if (st.st_uid != uid || S_ISLNK(st.st_mode)) return WidenedMode{};
  const mode_t mode = st.st_mode & 07777;
  const mode_t needed = S_ISDIR(st.st_mode) ? S_IRWXU : S_IRUSR | S_IWUSR;
  if ((mode & needed) == needed || !KeepsSetGroupId(st)) return WidenedMode{};
  VENEER_TRY_VOID(sys::Chmod({object.get()}, mode | needed));
  return WidenedMode{std::move(object), mode};
}

inline Sys<void> RestoreMode(const WidenedMode& widened) {
  return widened.object ? sys::Chmod({widened.object.get()}, widened.mode) : Sys<void>();
}

// Does action(at), which gives a Sys<...>. When the mode of the object refuses it to its owner
// `uid`, does it again with those permissions. `modes`: held alone meanwhile; whoever shows modes
// to others holds it shared. A crash in that moment leaves the permission to the owner.
template <class Action>
auto DespiteMode(SharedMutex& modes, uid_t uid, sys::At at, Action action) -> decltype(action(at)) {
  auto done = action(at);
  if (done || done.error().code != EACCES) return done;
  const WriterLock alone(modes);
  const auto widened = WidenMode(uid, at);
  if (!widened || !widened->object) return done;
  done = action({widened->object.get()});
  VENEER_TRY_VOID(RestoreMode(*widened));
  return done;
}

// The same for an action on names: `places` are the directories in which they are, and directories
// that have them.
template <class Action>
Sys<void> DespiteModes(SharedMutex& modes, uid_t uid, std::initializer_list<sys::At> places,
                       Action action) {
  Sys<void> done = action();
  if (done || done.error().code != EACCES) return done;
  const WriterLock alone(modes);
  std::vector<WidenedMode> all;
  for (const sys::At place : places) {
    // What is not there, or is no directory, needs nothing.
    const auto st = sys::Stat(place);
    if (!st || !S_ISDIR(st->st_mode)) continue;
    if (auto widened = WidenMode(uid, place); widened && widened->object) {
      all.push_back(*std::move(widened));
    }
  }
  if (all.empty()) return done;
  done = action();
  for (const WidenedMode& widened : all) {
    const auto restored = RestoreMode(widened);
    if (done && !restored) done = restored;
  }
  return done;
}

}  // namespace veneer

#endif  // VENEER_FS_UPPER_DESPITE_MODE_H_
