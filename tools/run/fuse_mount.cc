// SPDX-License-Identifier: Apache-2.0
#include "tools/run/fuse_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "layerdb/base/mount_table.h"
#include "layerdb/base/sys.h"
#include "tools/process/process.h"
#include "tools/run/descriptor_passing.h"
#include "tools/run/mount_api.h"

namespace veneer {

namespace {

// fusermount3 takes options apart at commas and understands a backslash before one.
std::string EscapeOption(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ',' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

struct HelperAnswer {
  Fd device;
  std::string error_text;
};

// The protocol of fusermount3: it mounts, and sends the device through the socket that _FUSE_COMMFD
// names.
Result<HelperAnswer> RunHelper(const std::string& mount_point, const std::string& options) {
  VENEER_TRY_VOID(FindFusermount());
  std::array<int, 2> ends;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0) {
    return MakeError(Errno{errno}, "make a socket pair");
  }
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  Command command;
  command.argv = {"fusermount3", "-o", options, "--", mount_point};
  command.environment = {"_FUSE_COMMFD=" + std::to_string(theirs.get())};
  command.inherit = {theirs.get()};
  VENEER_TRY(const Outcome outcome, RunCommand(command));
  theirs.Reset();
  HelperAnswer answer;
  answer.error_text = outcome.error_text;
  if (outcome.exit_code != 0) return answer;
  char byte = 0;
  VENEER_TRY_CTX(answer.device, ReceiveDescriptor(ours.get(), &byte, 1),
                 "fusermount3 sent no device");
  return answer;
}

}  // namespace

Result<Fd> OpenFuseDevice() {
  Sys<Fd> device = sys::OpenFollowing("/dev/fuse", O_RDWR);
  if (device) return *std::move(device);
  const int reason = device.error().code;
  std::string help = "as root: `modprobe fuse`, or give this container the device";
  if (reason == EACCES) help = "as root: `chmod 666 /dev/fuse`";
  if (reason == EPERM) help = "give this container the right to the device";
  return MakeError("/dev/fuse cannot be opened (" + ErrnoText(reason) +
                   "), without which nothing can be mounted, also not by chroot; " + help);
}

Result<std::string> FindFusermount() {
  Result<std::string> path = FindProgram("fusermount3");
  if (path) return path;
  return MakeError(
      "fusermount3 is missing, without which an ordinary user can neither mount nor unmount, but "
      "use chroot; as root: `apt-get update && apt-get install fuse3`");
}

Result<FuseDevice> MountThroughHelper(const std::string& mount_point, const std::string& source,
                                      bool read_only) {
  const std::string options = "fsname=" + EscapeOption(source) +
                              ",subtype=veneerfs,default_permissions" + (read_only ? ",ro" : ",rw");
  VENEER_TRY(HelperAnswer answer, RunHelper(mount_point, options + ",allow_other"));
  if (answer.device) return FuseDevice{std::move(answer.device), true};
  VENEER_TRY(answer, RunHelper(mount_point, options));
  if (answer.device) return FuseDevice{std::move(answer.device), false};
  return MakeError("mount at " + mount_point + ": " + answer.error_text);
}

Result<DetachedFuse> MountDetached(const std::string& source) {
  DetachedFuse fuse;
  VENEER_TRY(fuse.device, OpenFuseDevice());
  VENEER_TRY_CTX(fuse.mount,
                 mounts::NewMount("fuse",
                                  {{"source", source},
                                   {"subtype", "veneerfs"},
                                   {"fd", std::to_string(fuse.device.get())},
                                   {"rootmode", "40000"},
                                   {"user_id", "0"},
                                   {"group_id", "0"},
                                   {"default_permissions", ""},
                                   {"allow_other", ""}},
                                  MOUNT_ATTR_NOATIME),
                 "mount a FUSE file system");
  return fuse;
}

Result<void> Unmount(const std::string& mount_point, UnmountMode mode) {
  if (::geteuid() == 0) {
    const int flags = UMOUNT_NOFOLLOW | (mode == UnmountMode::kLazy ? MNT_DETACH : 0);
    if (::umount2(mount_point.c_str(), flags) < 0)
      return MakeError(Errno{errno}, "unmount " + mount_point);
    return {};
  }
  Command command;
  command.argv = {"fusermount3", "-u"};
  if (mode == UnmountMode::kLazy) command.argv.push_back("-z");
  command.argv.insert(command.argv.end(), {"--", mount_point});
  VENEER_TRY(const Outcome outcome, RunCommand(command));
  if (outcome.exit_code == 0) return {};
  // fusermount3 says why in words only.
  const bool busy = outcome.error_text.find("busy") != std::string::npos;
  if (busy) return MakeError(Errno{EBUSY}, "unmount " + mount_point);
  // fusermount3 wants a table that not every chroot has; umount(8) goes by the kernel's.
  Command other;
  other.argv = {"umount", "-i", "--", mount_point};
  if (mode == UnmountMode::kLazy) other.argv.insert(other.argv.begin() + 1, "-l");
  if (const Result<Outcome> done = RunCommand(other); done && done->exit_code == 0) return {};
  const bool no_table = outcome.error_text.find("/etc/mtab") != std::string::npos;
  return MakeError("unmount " + mount_point + ": " + outcome.error_text +
                   (no_table ? "; `ln -s /proc/self/mounts /etc/mtab` as root makes it" : ""));
}

}  // namespace veneer
