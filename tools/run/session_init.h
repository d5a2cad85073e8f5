// SPDX-License-Identifier: Apache-2.0
//
// The first process of a session: process 1 of its pid namespace. It makes the mounts, starts the
// command, reaps what the command leaves behind, passes signals on, and ends the session when the
// command ends or its caller dies; with it ends everything in the namespace, and every mount.
#ifndef VENEER_TOOLS_RUN_SESSION_INIT_H_
#define VENEER_TOOLS_RUN_SESSION_INIT_H_

#include "tools/run/command_rights.h"
#include "tools/run/session_spec.h"
#include "tools/run/terminal.h"

namespace veneer {

// Runs a session to its end and exits as its command did. `control` is its end of the conversation
// (control.h). REQUIRES: to be process 1 of new pid and mount namespaces, with HandledSignals()
// blocked.
[[noreturn]] void RunSessionInit(const SessionSpec& spec, const CommandRights& rights, int control,
                                 const Terminal& terminal);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_SESSION_INIT_H_
