// SPDX-License-Identifier: Apache-2.0
//
// Commands under a second name, by what they are about: `veneer image rm` is `veneer rmi`.
#ifndef VENEER_TOOLS_CLI_GROUPS_H_
#define VENEER_TOOLS_CLI_GROUPS_H_

#include <CLI/CLI.hpp>

#include "tools/cli/context.h"

namespace veneer {

// Adds `image`, `container` and `system` with their verbs, each of which is defined where the
// command of its own is.
void AddGroups(CLI::App& app, Context& context);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_GROUPS_H_
