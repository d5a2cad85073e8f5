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
  VENEER_TRY(const ProgressMode mode, ParseProgressMode(options.quiet ? "none" : "auto"));
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));

  Interrupt interrupt;
  save.cancel = interrupt.cancellation();
  const auto write = [&]() -> Result<void> {
    Progress progress(mode);
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

void AddSaveCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("save", "Write images to an archive");
  command->add_option("image", options->images, "The images; a name without a tag is all its tags")
      ->required()
      ->type_name("IMAGE");
  command->add_option("-o,--output", options->output, "A file; standard output when left out")
      ->type_name("FILE");
  command->add_option("--format", options->format, "docker-archive, oci-archive or oci-dir")
      ->type_name("FORMAT");
  command
      ->add_option("--compress", options->compress,
                   "none, gzip or zstd[:LEVEL]; oci-*: of each layer, and gzip when left out; "
                   "docker-archive: of the whole, and none when left out")
      ->type_name("METHOD");
  command->add_flag("-q,--quiet", options->quiet, "Show no progress");
  command->callback([&context, options] {
    context.action = [&context, options] { return Save(context, *options); };
  });
}

}  // namespace veneer
