// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "layerdb/base/log.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/transfer/import.h"
#include "tools/cli/change_option.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/format/time_format.h"
#include "tools/oci/config.h"
#include "tools/registry/http_download.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

struct ImportArguments {
  std::string source;
  std::optional<std::string> reference;
  std::string message;
  std::vector<std::string> changes;
  std::string platform;
  std::string progress = "auto";
  bool exact = false;
  bool quiet = false;
};

Result<Platform> PlatformOf(const ImportArguments& arguments) {
  if (arguments.platform.empty()) return HostPlatform();
  VENEER_TRY(Platform platform, ParsePlatform(arguments.platform));
  // Layers hold what Linux knows of a file.
  if (platform.os != "linux") {
    return MakeError("platform '" + arguments.platform + "': the system must be linux",
                     ExitCode::kUsage);
  }
  return platform;
}

// From a URL, or as ImportLayer() takes it.
Result<ImportedLayer> ImportFrom(Store& store, StoreWriter& session, const std::string& source,
                                 const ImportOptions& options) {
  if (!IsHttpUrl(source)) return ImportLayer(store, session, source, options);
  VENEER_TRY(const std::unique_ptr<PipeFeeder> download, StartHttpDownload(source, options.cancel));
  Result<ImportedLayer> layer = ImportLayerFrom(store, session, download->fd(),
                                                WithoutPassword(source), std::nullopt, options);
  // What was cut off may look like a damaged archive, or like a whole one.
  VENEER_TRY_VOID(download->Finish());
  return layer;
}

// The tree is that of an archive of images: one that `save` wrote, or an OCI layout.
Result<bool> LooksLikeImages(const Store& store, const Digest& diff_id) {
  VENEER_TRY(const std::shared_ptr<IndexReader> layer, store.OpenLayer(diff_id));
  const uint64_t root = layer->Root().entry.ino();
  const auto has = [&](const char* name) -> Result<bool> {
    VENEER_TRY_CTX(const auto found, layer->Find(root, name), layer->path());
    return found.has_value();
  };
  VENEER_TRY(const bool manifest, has("manifest.json"));
  VENEER_TRY(const bool repositories, has("repositories"));
  VENEER_TRY(const bool layout, has("oci-layout"));
  VENEER_TRY(const bool index, has("index.json"));
  return (manifest && repositories) || (layout && (index || manifest));
}

Result<int> Import(Context& context, const ImportArguments& arguments) {
  std::vector<std::string> tags;
  if (arguments.reference) {
    VENEER_TRY(std::string tag, NormalizeTag(*arguments.reference));
    tags.push_back(std::move(tag));
  }
  VENEER_TRY(const std::vector<ConfigChange> changes, ReadChanges(arguments.changes));
  Json runtime = Json::object();
  VENEER_TRY_VOID(ApplyChanges(changes, &runtime));
  VENEER_TRY(const Platform platform, PlatformOf(arguments));
  VENEER_TRY(const Timestamp created, CreationTime());
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());

  Interrupt interrupt;
  ImportOptions how;
  how.cancel = interrupt.cancellation();
  how.exact = arguments.exact;
  if (getenv("SOURCE_DATE_EPOCH") != nullptr) how.source_date_epoch = created.sec;
  bool images = false;
  const auto make_image = [&]() -> Result<Digest> {
    VENEER_TRY(const std::unique_ptr<StoreWriter> session, store->Begin());
    Progress progress(ProgressModeOf(arguments.quiet ? "none" : arguments.progress));
    how.progress = [&progress](uint64_t done, uint64_t total) { progress.Update(done, total); };
    VENEER_TRY(const ImportedLayer layer, ImportFrom(*store, *session, arguments.source, how));
    if (!layer.rewritten.empty()) {
      LogWarning(
          WithoutPassword(arguments.source) + " has " + layer.rewritten +
          ", which other tools refuse in a layer or cannot save: it is written anew, with another "
          "diff id (--exact keeps its bytes)");
    }
    VENEER_TRY(images, LooksLikeImages(*store, layer.diff_id));
    const NewLayer entry{layer.diff_id, created, "", "",
                         arguments.message.empty()
                             ? "Imported from " + WithoutPassword(arguments.source)
                             : arguments.message};
    VENEER_TRY(const Digest id, session->PutBlob(ComposeImage(entry, platform, runtime)));
    const ImageRecord image{id,      {layer.diff_id},     ChainId(std::nullopt, layer.diff_id),
                            created, layer.content_bytes, {}};
    VENEER_TRY_VOID(store->images().Put(image, tags));
    return id;
  };
  const Result<Digest> id = make_image();
  if (!id) {
    interrupt.EndIfAsked();
    return tl::unexpected(id.error());
  }
  PrintLine(id->ToString());
  if (images) {
    PrintError(
        WithoutPassword(arguments.source) +
        " is an archive of images, and is now the tree of one; `veneer load` loads the images "
        "in it");
  }
  return 0;
}

}  // namespace

CommandSpec ImportCommand() {
  auto arguments = std::make_shared<ImportArguments>();
  return {
      .name = "import",
      .summary = "Make an image of an archive or a directory",
      .positionals = {{FileValue("FILE|DIR|URL|-"), &arguments->source,
                       "A tar archive, plain or compressed, or the http:// or https:// URL of one; "
                       "a directory; - for standard input"},
                      {ImageValue("REF"), &arguments->reference,
                       "The name of the image, as in debian:12", Need::kOptional}},
      .options =
          {
              {"-m,--message", &arguments->message, TextValue("TEXT"),
               "The text that history shows for the layer"},
              {"-c,--change", &arguments->changes, TextValue("INSTRUCTION"),
               "Change the config by a Dockerfile's instruction, as in -c 'CMD [\"sh\"]'"},
              {"--platform", &arguments->platform, PlatformValue(),
               "What the image runs on, as in linux/arm64; default this machine"},
              {"--exact", &arguments->exact,
               "Keep the bytes of an archive that other tools refuse as a layer"},
              {"--progress", &arguments->progress, ProgressValue(), kProgressHelp},
              {"-q,--quiet", &arguments->quiet, "Show no progress"},
          },
      .run = [arguments](Context& context) { return Import(context, *arguments); },
  };
}

}  // namespace veneer
