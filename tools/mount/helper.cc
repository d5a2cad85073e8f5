// SPDX-License-Identifier: Apache-2.0
#include "tools/mount/helper.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <optional>

#include "layerdb/base/fd.h"
#include "layerdb/base/log.h"
#include "layerdb/base/mount_table.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/user_mount_table.h"
#include "tools/process/process.h"
#include "tools/run/fuse_mount.h"
#include "tools/run/holders.h"
#include "tools/run/mount_end.h"

namespace veneer {

namespace {

Result<void> Start(const MountCall& call) {
  VENEER_TRY(const std::string program, FindProgram("veneerfs"));
  if (call.fake) return {};
  Command command;
  command.argv = {program, call.source, call.directory};
  if (!call.options.empty()) {
    command.argv.insert(command.argv.end(), {"-o", call.options});
  }
  VENEER_TRY(const Outcome outcome, RunCommand(command));
  if (!outcome.error_text.empty()) dprintf(STDERR_FILENO, "%s\n", outcome.error_text.c_str());
  if (outcome.exit_code != 0) return MakeError(std::string());  // it has said why
  return {};
}

Result<MountEntry> MountAt(const std::string& directory) {
  VENEER_TRY(const std::string path, AbsolutePath(directory));
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  std::optional<MountEntry> entry = FindMountAt(table, path);
  if (!entry) return MakeError(path + ": nothing is mounted there");
  return std::move(*entry);
}

Result<void> SetFlags(const std::string& path, unsigned long flags) {
  if (::mount("none", path.c_str(), nullptr, MS_REMOUNT | flags, nullptr) != 0) {
    return MakeError(Errno{errno}, path + ": remount");
  }
  return {};
}

// The kernel takes "rw" for granted, but without an upper directory the daemon refuses every
// change.
bool RefusesChanges(const std::string& path) {
  const Sys<Fd> file = sys::OpenFollowing(path, O_TMPFILE | O_RDWR, 0600);
  return !file && file.error().code == EROFS;
}

Result<void> Remount(const std::string& directory, const std::string& options) {
  VENEER_TRY(const MountEntry entry, MountAt(directory));
  const unsigned long flags = RemountFlags(entry, options);
  VENEER_TRY_VOID(SetFlags(entry.mount_point, flags));
  if ((flags & MS_RDONLY) != 0 || !RefusesChanges(entry.mount_point)) return {};
  VENEER_TRY_VOID(SetFlags(entry.mount_point, flags | MS_RDONLY));
  return MakeError(entry.mount_point + ": it has no upper directory, so it stays read-only");
}

Result<void> Detach(const std::string& path, const UnmountCall& call) {
  if (call.force && ::geteuid() == 0) {
    const int flags = UMOUNT_NOFOLLOW | MNT_FORCE | (call.lazy ? MNT_DETACH : 0);
    if (::umount2(path.c_str(), flags) != 0) return MakeError(Errno{errno}, path);
    return {};
  }
  return Unmount(path, call.lazy ? UnmountMode::kLazy : UnmountMode::kNormal);
}

}  // namespace

Result<void> MountByHelper(const MountCall& call) {
  if (!call.remount) return Start(call);
  if (call.fake) return {};
  return Remount(call.directory, call.options);
}

Result<void> UnmountByHelper(const UnmountCall& call) {
  VENEER_TRY(const MountEntry mount, MountAt(call.directory));
  MountEnd end(mount);
  if (Result<void> done = Detach(mount.mount_point, call); !done) {
    if (done.error().code() != EBUSY) return done;
    if (call.read_only) return Remount(mount.mount_point, "ro");
    const std::string users = HolderWords(HoldersOf(mount.device));
    return MakeError(mount.mount_point + ": target is busy" +
                     (users.empty() ? "" : ", used by " + users));
  }
  if (::geteuid() == 0) {
    IgnoreError(ForgetUnmountHelper(mount.mount_point), "the next mount removes what is stale");
  }
  if (call.lazy) return {};
  switch (end.Wait()) {
    case MountEnd::Outcome::kEnded: break;
    case MountEnd::Outcome::kHeld:
      LogWarning(mount.mount_point + " is unmounted, but its file system is still in use by " +
                 end.holders());
      break;
    case MountEnd::Outcome::kStuck:
      LogWarning(mount.mount_point + " is unmounted, but veneerfs (pid " +
                 std::to_string(end.server().value_or(0)) + ") does not end");
      break;
  }
  return {};
}

}  // namespace veneer
