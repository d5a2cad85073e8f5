// SPDX-License-Identifier: Apache-2.0
#include "tools/run/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "layerdb/base/sys.h"

namespace veneer {

Terminal::Terminal(Use use) : detached_(use == Use::kNone) {
  if (detached_) return;
  Sys<Fd> tty = sys::OpenFollowing("/dev/tty", O_RDWR | O_NOCTTY);
  if (tty) tty_ = *std::move(tty);
  interactive_ =
      present() && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0 && InForeground();
}

bool Terminal::InForeground() const { return present() && ::tcgetpgrp(tty_.get()) == ::getpgrp(); }

void Terminal::GiveTo(pid_t group) const {
  if (present()) ::tcsetpgrp(tty_.get(), group == 0 ? ::getpgrp() : group);
}

}  // namespace veneer
