// SPDX-License-Identifier: Apache-2.0
//
// What --help prints of a command. Pure.
#ifndef VENEER_TOOLS_CLI_HELP_H_
#define VENEER_TOOLS_CLI_HELP_H_

#include <string>

#include "tools/cli/command.h"

namespace veneer {

// What it does, "Usage: veneer layer tar [OPTION...] IMAGE[@N]|DIFF-ID", arguments, options and, of
// a group, its commands.
std::string HelpText(const CommandPath& path);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_HELP_H_
