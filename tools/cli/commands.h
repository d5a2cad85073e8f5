// SPDX-License-Identifier: Apache-2.0
//
// The commands of `veneer`, one file each. A function adds its command to the parser; when the command is chosen, it
// puts what is to be done into Context::action.
#ifndef VENEER_TOOLS_CLI_COMMANDS_H_
#define VENEER_TOOLS_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "tools/cli/context.h"

namespace veneer {

// What --help says of the --format of lists.
inline constexpr const char* kListFormatHelp =
    "table, 'table TEMPLATE', raw, json, or a Go template for each line";

void AddImportCommand(CLI::App& app, Context& context);
void AddLoadCommand(CLI::App& app, Context& context);
void AddMountCommand(CLI::App& app, Context& context);
void AddUmountCommand(CLI::App& app, Context& context);
void AddChrootCommand(CLI::App& app, Context& context);
void AddDiffCommand(CLI::App& app, Context& context);
void AddCommitCommand(CLI::App& app, Context& context);
void AddExportCommand(CLI::App& app, Context& context);
void AddSaveCommand(CLI::App& app, Context& context);
void AddImagesCommand(CLI::App& app, Context& context);
void AddHistoryCommand(CLI::App& app, Context& context);
void AddPsCommand(CLI::App& app, Context& context);
void AddStatsCommand(CLI::App& app, Context& context);
void AddRmCommand(CLI::App& app, Context& context);
void AddRmiCommand(CLI::App& app, Context& context);
void AddTagCommand(CLI::App& app, Context& context);
void AddCreateCommand(CLI::App& app, Context& context);
void AddRenameCommand(CLI::App& app, Context& context);
void AddPruneCommand(CLI::App& app, Context& context);
// `prune` below `image`, `df` below `system`.
void AddImagePruneCommand(CLI::App& app, Context& context);
void AddContainerPruneCommand(CLI::App& app, Context& context);
void AddSystemDfCommand(CLI::App& app, Context& context);
void AddFsckCommand(CLI::App& app, Context& context);
void AddInspectCommand(CLI::App& app, Context& context);
void AddImageInspectCommand(CLI::App& app, Context& context);
void AddContainerInspectCommand(CLI::App& app, Context& context);
void AddLayerCommand(CLI::App& app, Context& context);
void AddInfoCommand(CLI::App& app, Context& context);
void AddVersionCommand(CLI::App& app, Context& context);
void AddHelpCommand(CLI::App& app, Context& context);

// All of them, with what is common.
std::unique_ptr<CLI::App> MakeParser(Context& context);

// Runs the program: parses, acts, reports. The exit code.
int RunVeneer(int argc, const char* const* argv);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_COMMANDS_H_
