// SPDX-License-Identifier: Apache-2.0
#include "tools/run/terminal.h"

#include <fcntl.h>
#include <unistd.h>

namespace veneer {

Terminal::Terminal() : tty_(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) {
  interactive_ =
      present() && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0 && InForeground();
}

bool Terminal::InForeground() const { return present() && ::tcgetpgrp(tty_.get()) == ::getpgrp(); }

void Terminal::GiveTo(pid_t group) const {
  if (present()) ::tcsetpgrp(tty_.get(), group == 0 ? ::getpgrp() : group);
}

}  // namespace veneer
