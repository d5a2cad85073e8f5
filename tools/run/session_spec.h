// SPDX-License-Identifier: Apache-2.0
//
// What a session in a tree is made of: values, and the pure functions over them.
#ifndef VENEER_TOOLS_RUN_SESSION_SPEC_H_
#define VENEER_TOOLS_RUN_SESSION_SPEC_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/run/account.h"
#include "tools/run/daemon.h"
#include "tools/run/ulimit.h"

namespace veneer {

// --bind SRC:DST[:ro]
struct BindMount {
  std::string source;       // in the caller's view
  std::string destination;  // absolute, inside
  bool read_only = false;
  friend bool operator==(const BindMount&, const BindMount&) = default;
};
// A backslash before a colon makes it part of a path. Usage error: an empty part, a destination
// that is not absolute or is "/", a third part that is neither ro nor rw.
Result<BindMount> ParseBind(std::string_view text);

// An empty file system of the session's own.
struct TmpfsMount {
  std::string destination;  // absolute, inside
  uint64_t size = 0;        // in bytes; 0: as the kernel has it
  mode_t mode = 01777;
};

// A file that the session alone has, in memory: a secret, a script. Nothing of it is written to a
// disk, or stays.
struct SessionFile {
  std::string destination;  // absolute, inside
  std::string content;
  mode_t mode = 0400;
  uid_t uid = 0;
  gid_t gid = 0;
};

// A further tree, served to this session alone by a daemon of its own, or a part of it.
struct TreeMount {
  DaemonSpec daemon;
  std::string source;       // in the tree, without symlinks and a slash in front; empty: its root
  std::string destination;  // absolute, inside
};

// What keeps the command apart from the machine, as container engines have it: Docker's
// capabilities, the seccomp profile that is installed, parts of /proc and /sys out of reach.
struct Confinement {
  // RUN --security=insecure: nothing of that, and /sys can be written.
  bool insecure = false;
};

struct ProcessSpec {
  std::vector<std::string> argv;  // empty: the user's shell
  std::vector<std::string>
      environment;          // NAME=VALUE: the image's, then the caller's, later ones win
  std::string user;         // "user[:group]", empty: root
  std::string working_dir;  // absolute, empty: /
  bool make_working_dir =
      false;  // when it is missing (an image may name one that it does not have)
  std::vector<Ulimit> ulimits;
  // The command's standard descriptors, borrowed; -1: the caller's.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;

  bool IsRedirected() const { return stdin_fd >= 0 || stdout_fd >= 0 || stderr_fd >= 0; }
};

enum class Network { kHost, kNone };

struct SessionSpec {
  // The tree: either a directory (a mount of a container, or any directory), or a file system that
  // is mounted for this session alone and served by a daemon of its own.
  std::string directory;
  std::optional<DaemonSpec> daemon;
  // Called in this process once the daemon of its own runs, before anything else happens.
  std::function<Result<void>(const ProcessId&)> on_daemon;

  std::string stub_record;  // see MountStubs; empty: the tree is thrown away
  // In this order; with a confinement or any other than binds, by the depth of their destinations,
  // so that no mount hides another.
  std::vector<BindMount> binds;
  std::vector<TmpfsMount> tmpfs;
  std::vector<SessionFile> files;
  std::vector<TreeMount> trees;
  bool read_only = false;
  Network network = Network::kHost;
  std::optional<Confinement> confinement;  // nullopt: as chroot(8), every right stays
  std::string hostname;                    // empty: the host's
  std::vector<std::pair<std::string, std::string>> extra_hosts;  // name, address; for /etc/hosts
  uint64_t shm_size = 0;  // of /dev/shm in bytes; 0: as the kernel has it
  ProcessSpec process;
  // When this can be read, or its other end is gone, the session is ended at once. Borrowed; -1:
  // none.
  int cancel_fd = -1;

  // A command whose output somebody else takes, and a session that somebody else may end, have no
  // terminal: they get a session (setsid(2)) of their own.
  bool UsesTerminal() const { return !process.IsRedirected() && cancel_fd < 0; }
};

// The session's /etc/hosts, made of the host's: with `extra_hosts`, and with the session's own name
// if it has one. Pure.
std::string HostsText(std::string_view hosts, const SessionSpec& spec);

// The environment of the command: PATH, HOME and TERM where `given` does not have them, then
// `given`, the last of each name. Pure; `term` may be empty.
std::vector<std::string> ComposeEnvironment(const std::vector<std::string>& given,
                                            const Account& account, std::string_view term);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_SESSION_SPEC_H_
