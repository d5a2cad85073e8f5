// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/catalog/images.h"
#include "layerdb/model/reference.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/layer_display.h"
#include "tools/cli/registry_options.h"
#include "tools/registry/push.h"
#include "tools/registry/push_plan.h"

namespace veneer {

namespace {

struct PushArguments {
  std::string name;
  std::optional<std::string> compress;
  bool all_tags = false;
  bool quiet = false;
  RegistryOptions registry;
};

Result<Reference> NamedReference(const PushArguments& arguments) {
  VENEER_TRY(Reference named, ParseReference(arguments.name));
  if (named.digest) {
    return MakeError(arguments.name + ": a push gives a tag, and a digest is computed",
                     ExitCode::kUsage);
  }
  if (arguments.all_tags && named.tag) {
    return MakeError("--all-tags takes a name without a tag", ExitCode::kUsage);
  }
  return named;
}

// What the store has of the repository: one name with a tag for each.
Result<std::vector<Reference>> TagsToPush(Store& store, Reference named, bool all) {
  std::vector<Reference> references;
  if (!all) {
    if (!named.tag) named.tag = kDefaultTag;
    const Result<FoundImage> found = store.images().Find(named.TagName());
    if (!found && found.error().exit() == ExitCode::kNotFound) {
      return MakeError("an image does not exist locally with the tag: " + named.TagName(),
                       ExitCode::kNotFound);
    }
    if (!found) return tl::unexpected(found.error());
    references.push_back(std::move(named));
    return references;
  }
  VENEER_TRY(const std::vector<ImageListing> images, store.images().List());
  for (const ImageListing& image : images) {
    for (const std::string& tag : image.tags) {
      const auto [repository, word] = SplitTagName(tag);
      if (repository != named.Repository()) continue;
      named.tag = word;
      references.push_back(named);
    }
  }
  if (references.empty()) {
    return MakeError("an image does not exist locally with the name: " + named.Repository(),
                     ExitCode::kNotFound);
  }
  std::ranges::sort(references, {}, &Reference::tag);
  return references;
}

Result<void> PushAll(Store& store, RegistryAccess& access, const PushArguments& arguments,
                     const PushOptions& how, LayerDisplay* display) {
  VENEER_TRY(const Reference named, NamedReference(arguments));
  VENEER_TRY(const std::vector<Reference> references, TagsToPush(store, named, arguments.all_tags));
  VENEER_TRY(Endpoint endpoint, access.config().PushEndpoint(named));
  VENEER_TRY(const std::unique_ptr<RegistryClient> client, access.ClientOf(std::move(endpoint)));
  const std::string repository = named.domain + "/" + named.path;
  if (!arguments.all_tags && !named.tag) {
    display->Line("Using default tag: " + std::string(kDefaultTag));
  }
  display->Line("The push refers to repository [" + repository + "]");
  for (const Reference& reference : references) {
    VENEER_TRY(const PushedImage pushed, PushImage(store, *client, reference, how));
    display->Line(*reference.tag + ": digest: " + pushed.digest.ToString() +
                  " size: " + std::to_string(pushed.size));
  }
  if (arguments.quiet) {
    PrintLine(repository + (arguments.all_tags ? "" : ":" + *references.front().tag));
  }
  return {};
}

Result<int> Push(Context& context, const PushArguments& arguments) {
  PushOptions how;
  if (arguments.compress) {
    VENEER_TRY(how.compression, ParseCompression(*arguments.compress));
    if (how.compression->kind == CompressionKind::kGzip) how.compression = kPushCompression;
    if (how.compression->kind == CompressionKind::kNone) {
      return MakeError("--compress none: layers travel compressed", ExitCode::kUsage);
    }
  }
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  Interrupt interrupt;
  how.cancel = interrupt.cancellation();
  LayerDisplay display(arguments.quiet ? nullptr : stdout);
  how.event = [&display](const LayerEvent& event) { display.Show(event); };
  const auto push = [&]() -> Result<void> {
    VENEER_TRY(const std::unique_ptr<RegistryAccess> access,
               OpenRegistries(arguments.registry, how.cancel));
    return PushAll(*store, *access, arguments, how, &display);
  };
  const Result<void> pushed = push();
  if (pushed) return 0;
  interrupt.EndIfAsked();
  return tl::unexpected(pushed.error());
}

}  // namespace

CommandSpec PushCommand() {
  auto arguments = std::make_shared<PushArguments>();
  CommandSpec command = {
      .name = "push",
      .summary = "Send an image to a registry",
      .positionals = {{ImageValue("REF"), &arguments->name,
                       "The image, by a name that begins with the registry's, as in "
                       "registry.example:5000/team/app:1.0"}},
      .options =
          {
              {"-a,--all-tags", &arguments->all_tags, "Send every tag of the repository"},
              {"--compress", &arguments->compress, WordsValue("METHOD", {"gzip", "zstd"}),
               "Send layers with this compression alone: gzip, zstd or zstd:LEVEL; default as they "
               "came from a registry, others with gzip"},
              {"-q,--quiet", &arguments->quiet, "Print the name of the image alone"},
          },
      .run = [arguments](Context& context) { return Push(context, *arguments); },
  };
  AddRegistryOptions(&command, &arguments->registry);
  return command;
}

}  // namespace veneer
