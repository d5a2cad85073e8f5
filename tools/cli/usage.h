// SPDX-License-Identifier: Apache-2.0
//
// What a person is told whose command line cannot be understood: one line with what is wrong, in
// words of this program, and with the help that tells more. All are usage errors. Pure.
#ifndef VENEER_TOOLS_CLI_USAGE_H_
#define VENEER_TOOLS_CLI_USAGE_H_

#include <string>
#include <string_view>

#include "tools/cli/command.h"

namespace veneer {

// "image ls: PROBLEM; see `veneer help image ls`"
tl::unexpected<Error> UsageError(const CommandPath& path, const std::string& problem);

// The group at the end of `path` has no command `word`; names what was meant, or what there is.
tl::unexpected<Error> UnknownCommand(const CommandPath& path, const std::string& word);

// "no option '--al'; did you mean --all?"
std::string UnknownOption(const CommandPath& path, std::string_view name);

// The same for a word that is left over, whatever it looks like.
std::string UnexpectedWord(const CommandPath& path, const std::string& word);

// "text or json", "image, container or layer"
std::string Alternatives(const std::vector<std::string_view>& words);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_USAGE_H_
