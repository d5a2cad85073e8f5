// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C during long work: the first SIGINT, SIGTERM or SIGHUP asks it to stop and clean up; a
// second one kills.
#ifndef VENEER_TOOLS_CLI_INTERRUPT_H_
#define VENEER_TOOLS_CLI_INTERRUPT_H_

#include "layerdb/threads/cancellation.h"

namespace veneer {

// While it lives, the signals ask cancellation(). At most one at a time.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();  // the signals do again what they did
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  const Cancellation* cancellation() const { return &cancellation_; }
  // When a signal came: ends this process by that signal, so that whoever started it sees why. For
  // work that failed; its error need not be shown.
  void EndIfAsked();

 private:
  Cancellation cancellation_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_INTERRUPT_H_
