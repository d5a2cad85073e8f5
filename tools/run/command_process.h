// SPDX-License-Identifier: Apache-2.0
//
// The last step into a session: the process that becomes the command.
#ifndef VENEER_TOOLS_RUN_COMMAND_PROCESS_H_
#define VENEER_TOOLS_RUN_COMMAND_PROCESS_H_

#include "tools/run/account.h"
#include "tools/run/command_rights.h"
#include "tools/run/session_spec.h"
#include "tools/run/terminal.h"

namespace veneer {

// As shells have it: found but not runnable, and not found.
inline constexpr int kExitNotRunnable = 126;
inline constexpr int kExitNotFound = 127;

// Takes on the account, directory, environment, terminal, limits and rights of the command, closes
// every other descriptor, and executes it. Call in a new process whose root is the tree already.
// What goes wrong is one line on standard error, and a byte in `failed`, a pipe that is closed
// otherwise.
[[noreturn]] void BecomeCommand(const ProcessSpec& spec, const Account& account,
                                const Terminal& terminal, const CommandRights& rights, int failed);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_COMMAND_PROCESS_H_
