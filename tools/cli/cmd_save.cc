// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/save.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"

namespace veneer {

namespace {

struct Options {
  std::vector<std::string> images;
  std::optional<std::string> output;
  std::string format = "docker-archive";
  std::optional<std::string> compress;
  bool quiet = false;
};

Result<int> Save(Context& context, const Options& options) {
  SaveOptions save;
  VENEER_TRY(save.format, ParseSaveFormat(options.format));
  save.compression = DefaultCompression(save.format);
  if (options.compress) {
    VENEER_TRY(save.compression, ParseCompression(*options.compress));
  }
  save.output = options.output;
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));

  Interrupt interrupt;
  save.cancel = interrupt.cancellation();
  const auto write = [&]() -> Result<void> {
    Progress progress(ProgressModeOf(options.quiet ? "none" : "auto"));
    save.progress = [&](uint64_t done, uint64_t total) { progress.Update(done, total); };
    return SaveImages(*store, options.images, save);
  };
  if (const Result<void> saved = write(); !saved) {
    interrupt.EndIfAsked();
    if (saved.error().exit() == ExitCode::kNotFound) {
      // A name may be that of a container.
      for (const std::string& name : options.images) VENEER_TRY_VOID(FindImage(*store, name));
    }
    return tl::unexpected(saved.error());
  }
  return 0;
}

}  // namespace

CommandSpec SaveCommand() {
  auto options = std::make_shared<Options>();
  return {
      .name = "save",
      .summary = "Write images to an archive",
      .positionals = {{ImageValue(), &options->images,
                       "The images; a name without a tag is all its tags"}},
      .options =
          {
              {"-o,--output", &options->output, FileValue("FILE"),
               "A file; standard output when left out"},
              {"--format", &options->format,
               OneOfValue("FORMAT", {"docker-archive", "oci-archive", "oci-dir"}),
               "docker-archive, oci-archive or oci-dir"},
              {"--compress", &options->compress, WordsValue("METHOD", {"none", "gzip", "zstd"}),
               "none, gzip or zstd[:LEVEL]; oci-*: of each layer, and gzip when left out; "
               "docker-archive: of the whole, and none when left out"},
              {"-q,--quiet", &options->quiet, "Show no progress"},
          },
      .run = [options](Context& context) { return Save(context, *options); },
  };
}

}  // namespace veneer
