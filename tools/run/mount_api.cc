// SPDX-License-Identifier: Apache-2.0
#include "tools/run/mount_api.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace veneer::mounts {

Sys<Fd> NewMount(const char* type, const std::vector<Parameter>& parameters, uint64_t attributes) {
  const Fd context(::fsopen(type, FSOPEN_CLOEXEC));
  if (!context) return FailErrno();
  for (const Parameter& parameter : parameters) {
    const bool flag = parameter.value.empty();
    if (::fsconfig(context.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, parameter.key,
                   flag ? nullptr : parameter.value.c_str(), 0) < 0) {
      return FailErrno();
    }
  }
  // What the mount table shows as the source; best effort, some file systems have a word of their
  // own.
  if (std::ranges::none_of(parameters, [](const Parameter& parameter) {
        return std::string_view(parameter.key) == "source";
      })) {
    ::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", type, 0);
  }
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) return FailErrno();
  Fd mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
  if (!mount) return FailErrno();
  return mount;
}

Sys<Fd> CloneMount(int dir, const char* path, Depth depth) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path == '\0' ? AT_EMPTY_PATH : 0) |
                         (depth == Depth::kTree ? AT_RECURSIVE : 0);
  Fd mount(::open_tree(dir, path, flags));
  if (!mount) return FailErrno();
  return mount;
}

Sys<void> SetAttributes(int mount, uint64_t set, uint64_t clear, Depth depth) {
  struct mount_attr attributes = {};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  const unsigned flags = AT_EMPTY_PATH | (depth == Depth::kTree ? AT_RECURSIVE : 0);
  if (::mount_setattr(mount, "", flags, &attributes, sizeof(attributes)) < 0) return FailErrno();
  return {};
}

Sys<void> Attach(int mount, int target) {
  if (::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
    return FailErrno();
  }
  return {};
}

Sys<Fd> OpenInRoot(int root, const std::string& path, int flags, mode_t mode) {
  struct open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    Fd fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how))));
    if (fd) return fd;
    // A rename elsewhere in the system made the kernel unsure of ".." (openat2(2), EAGAIN).
    if (errno != EAGAIN && errno != EINTR) return FailErrno();
  }
}

}  // namespace veneer::mounts
