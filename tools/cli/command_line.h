// SPDX-License-Identifier: Apache-2.0
//
// The words of a command line before the parser: which command they name, and which of them belong
// to a program that the command runs.
#ifndef VENEER_TOOLS_CLI_COMMAND_LINE_H_
#define VENEER_TOOLS_CLI_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "tools/cli/command.h"

namespace veneer {

struct CommandLine {
  CommandPath path;                  // as far as it is known, the program at least
  std::vector<std::string> words;    // for the parser, command names included
  std::vector<std::string> program;  // `veneer chroot [OPTION...] NAME [OPTION...] [--] PROGRAM...`
};

// Reads `words`, those behind the program's name. Words that mean something else to the library of
// the parser than to users of Docker are replaced: "-f=x" by "--filter=x", "--name=" by "--name"
// and an empty word. Usage error: no such command, an unknown option before the command, a long
// option behind one dash. On failure `line->path` tells where.
Result<void> ReadCommandLine(const CommandSpec& program, std::vector<std::string> words,
                             CommandLine* line);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_COMMAND_LINE_H_
