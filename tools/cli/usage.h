// SPDX-License-Identifier: Apache-2.0
//
// What the parser tells a person: the texts of --help, and one line for a command line that is wrong.
#ifndef VENEER_TOOLS_CLI_USAGE_H_
#define VENEER_TOOLS_CLI_USAGE_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace veneer {

// "Usage: veneer layer tar [OPTION...] IMAGE[@N]|DIFF-ID" and what follows.
std::shared_ptr<CLI::FormatterBase> MakeHelpFormatter();

// What is wrong with the command line, on one line, with the help that tells more. REQUIRES: `app` has just failed to
// parse `words` with `error`.
std::string UsageProblem(const CLI::App& app, const std::vector<std::string>& words,
                         const CLI::ParseError& error);

// A long option behind one dash, as in `mount -name x`, which would be read as -n with the value "ame"; what to tell of it.
std::optional<std::string> SingleDashProblem(const CLI::App& app,
                                             const std::vector<std::string>& words);

// True when `error` is that a noun (`veneer image`) stands alone, whose help then says what can be done.
bool LacksVerb(const CLI::App& app, const CLI::ParseError& error);

// The first word that is no option and no option's value: the command. Empty when there is none.
std::string CommandWord(const std::vector<std::string>& words);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_USAGE_H_
