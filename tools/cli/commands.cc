// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"

namespace veneer {

namespace {

// A command under the name that it has within a group.
CommandSpec Verb(std::string_view name, CommandSpec command,
                 std::vector<std::string_view> aliases = {}) {
  command.name = name;
  command.aliases = std::move(aliases);
  return command;
}

CommandSpec ImageGroup() {
  return {.name = "image",
          .summary = "Work with images",
          .commands = {
              Verb("ls", ImagesCommand(), {"list"}),
              BuildCommand(),
              HistoryCommand(),
              ImageInspectCommand(),
              ImportCommand(),
              LoadCommand(),
              PullCommand(),
              PushCommand(),
              SaveCommand(),
              TagCommand(),
              Verb("rm", RmiCommand(), {"remove"}),
              ImagePruneCommand(),
          }};
}

CommandSpec BuilderGroup() {
  return {.name = "builder",
          .summary = "Work with builds and their cache",
          .commands = {BuildCommand(), BuilderDuCommand(), BuilderPruneCommand()}};
}

CommandSpec ContainerGroup() {
  return {.name = "container",
          .summary = "Work with containers",
          .commands = {
              Verb("ls", PsCommand(), {"list", "ps"}),
              CreateCommand(),
              ContainerInspectCommand(),
              MountCommand(),
              UmountCommand(),
              StatsCommand(),
              DiffCommand(),
              CommitCommand(),
              ExportCommand(),
              RenameCommand(),
              Verb("rm", RmCommand(), {"remove"}),
              ContainerPruneCommand(),
          }};
}

CommandSpec SystemGroup() {
  return {.name = "system",
          .summary = "Work with the store as a whole",
          .commands = {SystemDfCommand(), InfoCommand(), PruneCommand(), FsckCommand()}};
}

}  // namespace

CommandSpec VeneerCommand(Context& context) {
  return {
      .name = "veneer",
      .summary = "Union file systems from image layers: import, mount, change, commit.",
      .options =
          {
              Option(kHelpNames, nullptr, "Show this help").Everywhere(),
              Option(kVersionNames, nullptr, "Show the version"),
              Option("--root", &context.root_option, DirectoryValue(),
                     "The store; default $VENEER_ROOT, else /var/lib/veneer as root, else "
                     "~/.local/share/veneer")
                  .Everywhere(),
              Option("--debug", &context.debug,
                     "Log waits for locks, what is published, and the programs that are started")
                  .Everywhere(),
          },
      .commands = {
          BuildCommand(),   ImportCommand(), PullCommand(),     PushCommand(),     LoadCommand(),
          MountCommand(),   UmountCommand(), ChrootCommand(),   DiffCommand(),     CommitCommand(),
          ExportCommand(),  SaveCommand(),   ImagesCommand(),   HistoryCommand(),  PsCommand(),
          InspectCommand(), StatsCommand(),  RmCommand(),       RmiCommand(),      TagCommand(),
          CreateCommand(),  RenameCommand(), PruneCommand(),    FsckCommand(),     LayerCommand(),
          ImageGroup(),     BuilderGroup(),  ContainerGroup(),  SystemGroup(),     LoginCommand(),
          LogoutCommand(),  SearchCommand(), TagsCommand(),     ManifestCommand(), InfoCommand(),
          VersionCommand(), HelpCommand(),   CompleteCommand(),
      }};
}

}  // namespace veneer
