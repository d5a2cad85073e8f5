// SPDX-License-Identifier: Apache-2.0
//
// The tables of the commands, one file each, and `veneer` itself.
#ifndef VENEER_TOOLS_CLI_COMMANDS_H_
#define VENEER_TOOLS_CLI_COMMANDS_H_

#include "tools/cli/command.h"
#include "tools/cli/context.h"

namespace veneer {

CommandSpec BuildCommand();
CommandSpec BuilderDuCommand();
CommandSpec BuilderPruneCommand();
CommandSpec ChrootCommand();
CommandSpec CommitCommand();
CommandSpec CompleteCommand();
CommandSpec ContainerInspectCommand();
CommandSpec ContainerPruneCommand();
CommandSpec CreateCommand();
CommandSpec DiffCommand();
CommandSpec ExportCommand();
CommandSpec FsckCommand();
CommandSpec HelpCommand();
CommandSpec HistoryCommand();
CommandSpec ImageInspectCommand();
CommandSpec ImagePruneCommand();
CommandSpec ImagesCommand();
CommandSpec ImportCommand();
CommandSpec PullCommand();
CommandSpec PushCommand();
CommandSpec InfoCommand();
CommandSpec InspectCommand();
CommandSpec LayerCommand();
CommandSpec LoadCommand();
CommandSpec LoginCommand();
CommandSpec LogoutCommand();
CommandSpec ManifestCommand();
CommandSpec MountCommand();
CommandSpec PruneCommand();
CommandSpec PsCommand();
CommandSpec RenameCommand();
CommandSpec RmCommand();
CommandSpec RmiCommand();
CommandSpec SaveCommand();
CommandSpec SearchCommand();
CommandSpec StatsCommand();
CommandSpec SystemDfCommand();
CommandSpec TagCommand();
CommandSpec TagsCommand();
CommandSpec UmountCommand();
CommandSpec VersionCommand();

// `veneer` with all of them, also under the names that they have by what they are about: `image rm`
// is `rmi`. Its options go to `context`.
CommandSpec VeneerCommand(Context& context);

// Runs the program: parses, acts, reports. The exit status.
int RunVeneer(int argc, const char* const* argv);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_COMMANDS_H_
