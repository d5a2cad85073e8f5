// SPDX-License-Identifier: Apache-2.0
//
// Session: one mount, from mount(2) to unmount. Joins the pieces: libfuse's session, the raw
// protocol, the handlers and the loop.
#ifndef VENEER_FS_FUSE_SESSION_H_
#define VENEER_FS_FUSE_SESSION_H_

#include <chrono>
#include <memory>
#include <string>

#include "fs/core/union_fs.h"
#include "fs/options/mount_paths.h"
#include "fs/options/options.h"
#include "layerdb/base/result.h"

namespace veneer {

class Session {
 public:
  // Mounts. `fs` must outlive the session; its UnionOptions should name BeforeBlocking() and
  // CallerIsBeingKilled(). Fails with one line; nothing is mounted then. Not thread-safe against
  // other users of standard error, which is read while libfuse and fusermount3 write to it.
  static Result<std::unique_ptr<Session>> Create(const MountOptions& options,
                                                 const MountPaths& paths, UnionFs& fs);
  // Unmounts, if that has not happened yet.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Serves in this thread and others until the file system is unmounted or Stop() is called.
  void Run();
  void Stop();
  // Waits until every request that has come is answered, for `limit` at most. Run() goes on
  // meanwhile. From any thread.
  void Drain(std::chrono::milliseconds limit);

  // What has been served since the mount, as one JSON object (veneerfs(1)). From any thread.
  std::string StatisticsText() const;

  // The version of libfuse that serves, as its distributor names it.
  static std::string LibfuseVersion();

  // For UnionOptions::before_blocking.
  static void BeforeBlocking();
  // For UnionOptions::given_up.
  static bool CallerIsBeingKilled();

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace veneer

#endif  // VENEER_FS_FUSE_SESSION_H_
