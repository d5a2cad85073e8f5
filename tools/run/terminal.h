// SPDX-License-Identifier: Apache-2.0
//
// The controlling terminal of a session, and which process group has it. The command of an
// interactive session gets a process group of its own in the foreground, so that the terminal's
// keys reach it and it alone; otherwise the command shares the caller's group, as a command in a
// pipeline does.
#ifndef VENEER_TOOLS_RUN_TERMINAL_H_
#define VENEER_TOOLS_RUN_TERMINAL_H_

#include <sys/types.h>

#include "layerdb/base/fd.h"

namespace veneer {

class Terminal {
 public:
  // Opens the controlling terminal, if there is one.
  Terminal();

  int fd() const { return tty_.get(); }
  bool present() const { return static_cast<bool>(tty_); }
  // True when standard input and output are terminals and this process group was in the foreground
  // at the start.
  bool interactive() const { return interactive_; }
  // Whether the command gets a process group of its own: when it is interactive, or there is no
  // terminal at all.
  bool own_group() const { return interactive_ || !present(); }

  bool InForeground() const;
  // Makes `group` (0: the caller's own) the foreground group. SIGTTOU must be blocked.
  void GiveTo(pid_t group) const;

 private:
  Fd tty_;
  bool interactive_ = false;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_TERMINAL_H_
