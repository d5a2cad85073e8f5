// SPDX-License-Identifier: Apache-2.0
//
// Running a command in a tree, as a careful administrator would enter it: private mount, pid, ipc
// and uts namespaces, pivot_root, file systems of its own on /proc, /sys, /dev and /run, and
// nothing left behind.
//
//   veneer (this process)      keeps the terminal, the catalog and, if need be, the user namespace
//    ├─ veneerfs                for a tree that is not mounted; ends by itself when the mount does
//    └─ process 1 of the session    session_init.h; when this process dies, it ends
//        └─ the command
#ifndef VENEER_TOOLS_RUN_SESSION_H_
#define VENEER_TOOLS_RUN_SESSION_H_

#include <optional>

#include "layerdb/base/result.h"
#include "tools/run/session_spec.h"

namespace veneer {

struct SessionEnd {
  int exit_code = 0;     // as shells count (128+n for a signal)
  bool started = false;  // false: the command could not be run (126, 127), as was told already
  std::optional<Error> error;  // why the session ended before its command did
};

// Runs the command to its end, or says why that could not be tried. On return no process, mount or
// daemon of the session is left. ECANCELED: `cancel_fd` ended it. REQUIRES: one thread (a program
// with several has session_host.h); CAP_SYS_ADMIN (an ordinary user: after EnterUserNamespace()).
Result<SessionEnd> RunSession(const SessionSpec& spec);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_SESSION_H_
