// SPDX-License-Identifier: Apache-2.0
//
// The controlling terminal of a session, and which process group has it. The command of an
// interactive session gets a process group of its own in the foreground, so that the terminal's
// keys reach it and it alone; otherwise the command shares the caller's group, as a command in a
// pipeline does. A detached session has no terminal, whatever its caller has.
#ifndef VENEER_TOOLS_RUN_TERMINAL_H_
#define VENEER_TOOLS_RUN_TERMINAL_H_

#include <sys/types.h>

#include "layerdb/base/fd.h"

namespace veneer {

class Terminal {
 public:
  enum class Use { kCallers, kNone };

  // Opens the controlling terminal, if there is one and it is to be used.
  explicit Terminal(Use use);

  int fd() const { return tty_.get(); }
  bool present() const { return static_cast<bool>(tty_); }
  // True when standard input and output are terminals and this process group was in the foreground
  // at the start.
  bool interactive() const { return interactive_; }
  // The command gets a session of its own, and nobody is told when something stops it.
  bool detached() const { return detached_; }
  // Whether the command gets a process group of its own: when it is interactive, or there is no
  // terminal at all.
  bool own_group() const { return interactive_ || (!present() && !detached_); }

  bool InForeground() const;
  // Makes `group` (0: the caller's own) the foreground group. SIGTTOU must be blocked.
  void GiveTo(pid_t group) const;

 private:
  Fd tty_;
  bool interactive_ = false;
  const bool detached_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_TERMINAL_H_
