// SPDX-License-Identifier: Apache-2.0
//
// Sessions for a program with several threads. RunSession() makes a process that goes on without
// execve(2), which only a process of one thread can do safely: a lock that another thread holds at
// that moment stays locked in the child for ever. So a process is forked off while the program has
// one thread, and it forks a process for each session:
//
//   veneer build               Run() in any thread: sends the description, waits for the end
//    └─ veneer-host             a loop, nothing else; it shares no descriptor with the build
//        └─ veneer-session      RunSession(), one process for each session
//            └─ veneer-init ...
//
// Each session has a socket of its own to Run(). When either end is gone, also by SIGKILL, the
// session ends, and so does the host when the program has.
#ifndef VENEER_TOOLS_RUN_SESSION_HOST_H_
#define VENEER_TOOLS_RUN_SESSION_HOST_H_

#include <sys/types.h>

#include <memory>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/run/session.h"
#include "tools/run/session_spec.h"

namespace veneer {

class SessionHost {
 public:
  // REQUIRES: one thread; as an ordinary user, EnterUserNamespace() before. Relative paths of
  // sessions are those of this moment's current directory, the limits and the environment are
  // this moment's, too.
  static Result<std::unique_ptr<SessionHost>> Start();
  // REQUIRES: no Run() is at work.
  ~SessionHost();
  SessionHost(const SessionHost&) = delete;
  SessionHost& operator=(const SessionHost&) = delete;

  // As RunSession(), without a terminal. ECANCELED: `cancel` was requested, and the session has
  // ended. REQUIRES: no `on_daemon` and no `cancel_fd` in `spec`. Thread-safe.
  Result<SessionEnd> Run(const SessionSpec& spec, const Cancellation* cancel = nullptr) const;

 private:
  SessionHost(Fd socket, pid_t process) : socket_(std::move(socket)), process_(process) {}

  Fd socket_;
  const pid_t process_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_SESSION_HOST_H_
