// SPDX-License-Identifier: Apache-2.0
//
// From words to the options of a command, by its table. The only file that sees the library for
// that, CLI11, is parser.cc.
#ifndef VENEER_TOOLS_CLI_PARSER_H_
#define VENEER_TOOLS_CLI_PARSER_H_

#include "tools/cli/command_line.h"

namespace veneer {

enum class ParsedFor { kCommand, kHelp, kVersion };

// Puts what `line.words` say into the targets of the options and arguments, and tells what is to be
// done. A group without one of its commands wants its help. Usage error for anything that does not
// fit the tables.
Result<ParsedFor> ParseOptions(const CommandLine& line);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_PARSER_H_
