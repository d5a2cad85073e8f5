// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/save.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"

namespace veneer {

namespace {

struct SaveArguments {
  std::vector<std::string> images;
  std::optional<std::string> output;
  std::string format = "docker-archive";
  std::optional<std::string> compress;
  bool quiet = false;
};

Result<int> Save(Context& context, const SaveArguments& arguments) {
  SaveOptions save;
  VENEER_TRY(save.format, ParseSaveFormat(arguments.format));
  save.compression = DefaultCompression(save.format);
  if (arguments.compress) {
    VENEER_TRY(save.compression, ParseCompression(*arguments.compress));
  }
  save.output = arguments.output;
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));

  Interrupt interrupt;
  save.cancel = interrupt.cancellation();
  const auto write = [&]() -> Result<void> {
    Progress progress(ProgressModeOf(arguments.quiet ? "none" : "auto"));
    save.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
    return SaveImages(*store, arguments.images, save);
  };
  if (const Result<void> saved = write(); !saved) {
    interrupt.EndIfAsked();
    if (saved.error().exit() == ExitCode::kNotFound) {
      // A name may be that of a container.
      for (const std::string& name : arguments.images) VENEER_TRY_VOID(FindImage(*store, name));
    }
    return tl::unexpected(saved.error());
  }
  return 0;
}

}  // namespace

CommandSpec SaveCommand() {
  auto arguments = std::make_shared<SaveArguments>();
  return {
      .name = "save",
      .summary = "Write images to an archive",
      .positionals = {{ImageValue(), &arguments->images,
                       "The images; a name without a tag is all its tags"}},
      .options =
          {
              {"-o,--output", &arguments->output, FileValue("FILE"),
               "A file; standard output when left out"},
              {"--format", &arguments->format,
               OneOfValue("FORMAT", {"docker-archive", "oci-archive", "oci-dir"}),
               "docker-archive, oci-archive or oci-dir"},
              {"--compress", &arguments->compress, WordsValue("METHOD", {"none", "gzip", "zstd"}),
               "none, gzip or zstd[:LEVEL]; oci-*: of each layer, and gzip when left out; "
               "docker-archive: of the whole, and none when left out"},
              {"-q,--quiet", &arguments->quiet, "Show no progress"},
          },
      .run = [arguments](Context& context) { return Save(context, *arguments); },
  };
}

}  // namespace veneer
