// SPDX-License-Identifier: Apache-2.0
//
// What a session in a tree is made of: values, and the pure functions over them.
#ifndef VENEER_TOOLS_RUN_SESSION_SPEC_H_
#define VENEER_TOOLS_RUN_SESSION_SPEC_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/run/account.h"
#include "tools/run/daemon.h"

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

struct ProcessSpec {
  std::vector<std::string> argv;  // empty: the user's shell
  std::vector<std::string>
      environment;          // NAME=VALUE: the image's, then the caller's, later ones win
  std::string user;         // "user[:group]", empty: root
  std::string working_dir;  // absolute, empty: /
  bool make_working_dir =
      false;  // when it is missing (an image may name one that it does not have)
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
  std::vector<BindMount> binds;
  bool read_only = false;
  Network network = Network::kHost;
  ProcessSpec process;
};

// The environment of the command: PATH, HOME and TERM where `given` does not have them, then
// `given`, the last of each name. Pure; `term` may be empty.
std::vector<std::string> ComposeEnvironment(const std::vector<std::string>& given,
                                            const Account& account, std::string_view term);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_SESSION_SPEC_H_
