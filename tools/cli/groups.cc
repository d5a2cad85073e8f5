// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/groups.h"

#include <vector>

#include "tools/cli/commands.h"

namespace veneer {

namespace {

using AddCommand = void (*)(CLI::App& app, Context& context);

struct Verb {
  const char* name;
  AddCommand add;
  std::vector<const char*> aliases = {};  // that `docker` has too
};

struct Group {
  const char* name;
  const char* about;
  std::vector<Verb> verbs;
};

const std::vector<Group>& Groups() {
  static const std::vector<Group> groups = {
      {"image",
       "Work with images",
       {
           {"ls", AddImagesCommand, {"list"}},
           {"history", AddHistoryCommand},
           {"inspect", AddImageInspectCommand},
           {"import", AddImportCommand},
           {"load", AddLoadCommand},
           {"save", AddSaveCommand},
           {"tag", AddTagCommand},
           {"rm", AddRmiCommand, {"remove"}},
           {"prune", AddImagePruneCommand},
       }},
      {"container",
       "Work with containers",
       {
           {"ls", AddPsCommand, {"list", "ps"}},
           {"create", AddCreateCommand},
           {"inspect", AddContainerInspectCommand},
           {"mount", AddMountCommand},
           {"umount", AddUmountCommand},
           {"stats", AddStatsCommand},
           {"diff", AddDiffCommand},
           {"commit", AddCommitCommand},
           {"export", AddExportCommand},
           {"rename", AddRenameCommand},
           {"rm", AddRmCommand, {"remove"}},
           {"prune", AddContainerPruneCommand},
       }},
      {"system",
       "Work with the store as a whole",
       {
           {"df", AddSystemDfCommand},
           {"info", AddInfoCommand},
           {"prune", AddPruneCommand},
           {"fsck", AddFsckCommand},
       }},
  };
  return groups;
}

}  // namespace

void AddGroups(CLI::App& app, Context& context) {
  for (const Group& group : Groups()) {
    CLI::App* noun = app.add_subcommand(group.name, group.about);
    noun->require_subcommand(1);
    for (const Verb& verb : group.verbs) {
      verb.add(*noun, context);
      CLI::App* command = noun->get_subcommands([](const CLI::App*) { return true; }).back();
      command->name(verb.name);
      for (const char* alias : verb.aliases) command->alias(alias);
    }
  }
}

}  // namespace veneer
