// SPDX-License-Identifier: Apache-2.0
//
// What veneerfs says about itself. The options here and in veneerfs(1) are the same; a test
// compares them.
#ifndef VENEER_FS_OPTIONS_HELP_H_
#define VENEER_FS_OPTIONS_HELP_H_

#include <string>

namespace veneer {

// The answer to --help and to --version, with the final newline. `libfuse`: its version.
std::string HelpText();
std::string VersionText(const std::string& libfuse);

}  // namespace veneer

#endif  // VENEER_FS_OPTIONS_HELP_H_
