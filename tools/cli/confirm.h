// SPDX-License-Identifier: Apache-2.0
//
// Asking before much is removed, in Docker's words.
#ifndef VENEER_TOOLS_CLI_CONFIRM_H_
#define VENEER_TOOLS_CLI_CONFIRM_H_

#include <string>
#include <vector>

namespace veneer {

// Prints the warning and the filters, asks on standard output and reads one line; anything but y is
// no.
bool Confirm(const std::string& warning, const std::vector<std::string>& filters);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_CONFIRM_H_
