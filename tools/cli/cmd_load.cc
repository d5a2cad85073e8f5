// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "tools/archive/load.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"

namespace veneer {

namespace {

struct LoadArguments {
  std::optional<std::string> input;
  bool quiet = false;
  std::optional<std::string> platform;
};

Result<int> Load(Context& context, const LoadArguments& arguments) {
  const std::string source = arguments.input.value_or("-");
  if (source == "-" && ::isatty(STDIN_FILENO) != 0) {
    return MakeError(
        "load reads an archive from standard input, but that is a terminal: give one with -i FILE, "
        "or redirect",
        ExitCode::kUsage);
  }
  LoadOptions load;
  if (arguments.platform) {
    VENEER_TRY(load.platform, ParsePlatform(*arguments.platform));
  }
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());

  Interrupt interrupt;
  load.cancel = interrupt.cancellation();
  const auto run = [&] {
    Progress progress(ProgressModeOf(arguments.quiet ? "none" : "auto"));
    load.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
    return LoadImages(*store, source, load);
  };
  const Result<std::vector<LoadedImage>> images = run();
  if (!images) {
    interrupt.EndIfAsked();
    return tl::unexpected(images.error());
  }
  for (const LoadedImage& image : *images) {
    for (const auto& [tag, old] : image.taken) {
      PrintLine("The image " + tag + " already exists, renaming the old one with ID " +
                old.ToString() + " to empty string");
    }
    for (const std::string& tag : image.tags) PrintLine("Loaded image: " + tag);
    if (image.tags.empty()) PrintLine("Loaded image ID: " + image.id.ToString());
  }
  return 0;
}

}  // namespace

CommandSpec LoadCommand() {
  auto arguments = std::make_shared<LoadArguments>();
  return {
      .name = "load",
      .summary = "Load the images of an archive that another tool saved",
      .options =
          {
              {"-i,--input", &arguments->input, FileValue("FILE|DIR"),
               "The archive, or a directory with an OCI image layout; default standard input"},
              {"-q,--quiet", &arguments->quiet, "Show no progress"},
              {"--platform", &arguments->platform, PlatformValue(),
               "Only images for this platform, as in linux/arm64; default the host's where there "
               "are several"},
          },
      .run = [arguments](Context& context) { return Load(context, *arguments); },
      .option_for_extra_word = "-i",
  };
}

}  // namespace veneer
