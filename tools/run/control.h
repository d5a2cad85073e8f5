// SPDX-License-Identifier: Apache-2.0
//
// The conversation between `veneer` and the first process of a session, over one socket of packets.
// When either side dies, the other sees the end of it.
#ifndef VENEER_TOOLS_RUN_CONTROL_H_
#define VENEER_TOOLS_RUN_CONTROL_H_

#include <csignal>
#include <string>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

enum class ControlWord : char {
  // From the session:
  kDevice = 'd',   // with the open FUSE device that a daemon must serve
  kRunning = 'r',  // the command runs
  kStopped = 's',  // the terminal stopped the command
  kFailed = 'f',   // text: the exit code as one digit, then what went wrong
  // To the session:
  kServed = 'g',              // the daemon runs
  kContinue = 'c',            // go on, in the background
  kContinueForeground = 'C',  // go on, with the terminal
};

struct ControlMessage {
  ControlWord word = ControlWord::kRunning;
  std::string text;
  Fd fd;
};

Sys<void> SendControl(int socket, ControlWord word, const std::string& text = {}, int fd = -1);
// ECONNRESET: the other side is gone.
Sys<ControlMessage> ReceiveControl(int socket);

// The signals that a session's caller passes on to its command.
sigset_t ForwardedSignals();
// Those, and what else both sides take from a descriptor instead of a handler (SIGCHLD, SIGTTOU).
sigset_t HandledSignals();

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_CONTROL_H_
