// SPDX-License-Identifier: Apache-2.0
//
// Mount stubs: the empty files and directories that a session must make in a tree because the image
// has nothing to mount on there. They belong to the session, not to the container: the last session
// of a container removes them, with the times of their parents put back where nothing else changed,
// so that `veneer diff` does not list them.
//
// Every stub is written into a record before it is made. A session that was killed leaves the
// record, and whoever opens it next (another session, or any command on that container) clears up.
// What is no longer as the session made it is somebody's, and stays. A stub that cannot be removed
// now stays in the record.
// Sessions hold the record locked shared; who can lock it exclusively is the last.
#ifndef VENEER_TOOLS_RUN_MOUNT_STUBS_H_
#define VENEER_TOOLS_RUN_MOUNT_STUBS_H_

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/model/mount_stub.h"

namespace veneer {

class MountStubs {
 public:
  // A record that is kept in memory only, for a tree that is thrown away.
  MountStubs() = default;
  // Opens (and makes) the record at `path` and locks it shared. ENOENT where its directory is
  // missing.
  static Result<MountStubs> Open(const std::string& path);

  // A descriptor (O_PATH) of what `path` is inside `root`, symlinks followed, ready to be mounted
  // on. What is missing on the way is made; `directory` says what the last component must become.
  // EISDIR or ENOTDIR when it is there and of the other kind. On another file system than `root` (a
  // /run of the session's own) nothing is recorded.
  Sys<Fd> Target(int root, const std::string& path, bool directory);

  // Removes what the record lists, if this session is the last one of the tree, and empties the
  // record. What this namespace has mounted on the stubs is unmounted first. `root` is the tree. A
  // stub that is not empty any more stays. The current directory changes.
  void Remove(int root);

  // Where `root` is a writable layer itself: whoever removes something of it must leave a whiteout
  // where the image has the name.
  struct BareLayer {
    int work;  // a directory on the same file system, in which a daemon keeps nothing
    FunctionRef<Result<bool>(std::string_view)> is_in_image;  // by path, no slash in front
  };
  // The stubs of sessions that were killed: removed from `root` (the mounted tree, or a bare layer)
  // when no session is running. Nothing to do when there is no record.
  static void RemoveStale(const std::string& record, int root, const BareLayer* bare = nullptr);
  // The first processes of the sessions that have the record at `path` open, as far as they are in
  // this pid namespace.
  static std::vector<pid_t> Sessions(const std::string& path);
  // True when the record at `path` lists anything.
  static bool Listed(const std::string& path);

 private:
  Sys<void> Make(int parent, const std::string& parent_path, const std::string& name,
                 bool directory, bool recorded);

  Fd record_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_MOUNT_STUBS_H_
