// SPDX-License-Identifier: Apache-2.0
//
// What containers need of this machine, and this user has not.
#ifndef VENEER_TOOLS_RUN_REQUIREMENTS_H_
#define VENEER_TOOLS_RUN_REQUIREMENTS_H_

#include <string>
#include <vector>

namespace veneer {

// A line for each thing that is missing: what it is, what does not work without it, and what to do.
// They are the words of those who fail for the want of it. Empty: all is there.
std::vector<std::string> MissingRequirements();

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_REQUIREMENTS_H_
