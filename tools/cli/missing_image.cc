// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/missing_image.h"

#include <cstdio>
#include <utility>

#include "layerdb/model/reference.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/layer_display.h"
#include "tools/cli/pull_image.h"
#include "tools/oci/config.h"

namespace veneer {

namespace {

Result<FoundImage> PullIt(Store& store, const std::string& name,
                          const MissingImageOptions& options) {
  Interrupt interrupt;
  LayerDisplay display(stderr);
  PullOptions how;
  how.cancel = interrupt.cancellation();
  if (options.platform) how.platform = *options.platform;
  how.begin = [&display](const Reference& reference) { display.Line(PullingFrom(reference)); };
  how.event = [&display](const LayerEvent& event) { display.Show(event); };
  const auto pull = [&]() -> Result<FoundImage> {
    VENEER_TRY(const std::unique_ptr<RegistryAccess> access,
               OpenRegistries(options.registry, how.cancel));
    VENEER_TRY(const PulledByName pulled, PullByName(store, *access, name, how));
    display.Line(DigestLine(pulled));
    display.Line(StatusLine(pulled));
    return store.images().Find(pulled.reference.ToString());
  };
  Result<FoundImage> image = pull();
  if (!image) interrupt.EndIfAsked();
  return image;
}

// The image is not here, which `missing` says.
Result<FoundImage> PullMissing(Store& store, const std::string& name,
                               const MissingImageOptions& options, const Error& missing) {
  const Result<Reference> reference = ParseReference(name);
  if (options.pull == "never" || !reference) return tl::unexpected(missing);
  LayerDisplay(stderr).Line("Unable to find image '" +
                            (reference->digest ? reference->ToString() : reference->TagName()) +
                            "' locally");
  Result<FoundImage> pulled = PullIt(store, name, options);
  if (pulled) return pulled;
  return MakeError(missing.message() + " (nor can it be pulled: " + pulled.error().message() + ")",
                   ExitCode::kNotFound);
}

// Whether an image is for the platform that is asked for.
Result<bool> IsForPlatform(const Store& store, const ImageRecord& image,
                           const MissingImageOptions& options) {
  if (!options.platform) return true;
  VENEER_TRY(const std::string text, store.ReadBlob(image.id, JsonLimits{}.bytes));
  VENEER_TRY(const ImageConfig config, ParseImageConfig(text));
  return PlatformFit(*options.platform, {config.os, config.architecture, config.variant}) > 0;
}

}  // namespace

void AddMissingImageOptions(CommandSpec* command, MissingImageOptions* options) {
  command->options.push_back(
      {"--pull", &options->pull, OneOfValue("WHEN", {"missing", "always", "never"}),
       "Whether the image is fetched from its registry: where it is missing (the default), always "
       "or never"});
}

Result<std::unique_ptr<Store>> OpenStoreToPull(Context& context,
                                               const MissingImageOptions& options) {
  return context.OpenStore(options.pull == "never" ? Store::Missing::kFail
                                                   : Store::Missing::kCreate);
}

Result<FoundImage> FindOrPullImage(Store& store, const std::string& reference,
                                   const MissingImageOptions& options) {
  if (options.pull == "always") return PullIt(store, reference, options);
  Result<FoundImage> found = FindImage(store, reference);
  if (found) {
    VENEER_TRY(const bool fits, IsForPlatform(store, found->image, options));
    if (fits) return found;
    return PullMissing(
        store, reference, options,
        Error(reference + " is here for another platform than " + options.platform->ToString(),
              ExitCode::kNotFound));
  }
  if (found.error().exit() != ExitCode::kNotFound || store.containers().Get(reference)) {
    return found;
  }
  return PullMissing(store, reference, options, found.error());
}

Result<ContainerOrImage> FindContainerOrPullImage(Store& store, const std::string& name,
                                                  const MissingImageOptions& options) {
  Result<ContainerOrImage> found = FindContainerOrImage(store, name);
  if (found && (found->container || options.pull != "always")) return found;
  if (!found && found.error().exit() != ExitCode::kNotFound) return found;
  VENEER_TRY(FoundImage image, found || options.pull == "always"
                                   ? PullIt(store, name, options)
                                   : PullMissing(store, name, options, found.error()));
  return ContainerOrImage{std::nullopt, std::move(image)};
}

}  // namespace veneer
