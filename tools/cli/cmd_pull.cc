// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "layerdb/model/reference.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/layer_display.h"
#include "tools/cli/pull_image.h"
#include "tools/cli/registry_options.h"

namespace veneer {

namespace {

struct PullArguments {
  std::string name;
  std::string platform;
  bool all_tags = false;
  bool keep_compressed = false;
  bool quiet = false;
  RegistryOptions registry;
};

// Docker's last line but one after `pull -a`: the name has no tag.
std::string StatusLineOfAll(const std::vector<PulledByName>& pulled) {
  const bool all_here =
      std::ranges::all_of(pulled, [](const PulledByName& one) { return one.image.was_here; });
  return (all_here ? "Status: Image is up to date for " : "Status: Downloaded newer image for ") +
         pulled.front().reference.Repository();
}

Result<void> PullOne(Store& store, RegistryAccess& access, const std::string& name,
                     const PullOptions& how, LayerDisplay* display) {
  VENEER_TRY(const Reference named, ParseReference(name));
  if (!named.tag && !named.digest) {
    display->Line("Using default tag: " + std::string(kDefaultTag));
  }
  VENEER_TRY(const PulledByName pulled, PullByName(store, access, name, how));
  display->Line(DigestLine(pulled));
  display->Line(StatusLine(pulled));
  PrintLine(CanonicalName(pulled.reference));
  return {};
}

Result<void> PullAll(Store& store, RegistryAccess& access, const std::string& name,
                     const PullOptions& how, LayerDisplay* display) {
  VENEER_TRY(const Reference named, ParseReference(name));
  if (named.tag || named.digest) {
    return MakeError("--all-tags takes a name without a tag and a digest", ExitCode::kUsage);
  }
  const auto end = [&](const PulledByName& pulled) { display->Line(DigestLine(pulled)); };
  VENEER_TRY(const std::vector<PulledByName> pulled, PullAllTags(store, access, name, how, end));
  display->Line(StatusLineOfAll(pulled));
  PrintLine(pulled.front().reference.domain + "/" + pulled.front().reference.path);
  return {};
}

Result<int> Pull(Context& context, const PullArguments& arguments) {
  PullOptions how;
  if (!arguments.platform.empty()) {
    VENEER_TRY(how.platform, ParsePlatform(arguments.platform));
  }
  how.keep_compressed = arguments.keep_compressed;
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  Interrupt interrupt;
  how.cancel = interrupt.cancellation();
  LayerDisplay display(arguments.quiet ? nullptr : stdout);
  how.begin = [&display](const Reference& reference) { display.Line(PullingFrom(reference)); };
  how.event = [&display](const LayerEvent& event) { display.Show(event); };
  const auto pull = [&]() -> Result<void> {
    VENEER_TRY(const std::unique_ptr<RegistryAccess> access,
               OpenRegistries(arguments.registry, how.cancel));
    const auto fetch = arguments.all_tags ? PullAll : PullOne;
    return fetch(*store, *access, arguments.name, how, &display);
  };
  const Result<void> pulled = pull();
  if (pulled) return 0;
  interrupt.EndIfAsked();
  return tl::unexpected(pulled.error());
}

}  // namespace

CommandSpec PullCommand() {
  auto arguments = std::make_shared<PullArguments>();
  CommandSpec command = {
      .name = "pull",
      .summary = "Fetch an image from a registry",
      .positionals = {{ImageValue("REF"), &arguments->name,
                       "The image, as in debian:12 or registry.example:5000/team/app@sha256:…"}},
      .options =
          {
              {"--platform", &arguments->platform, PlatformValue(),
               "Of an image for several platforms the one for this, as in linux/arm64; default "
               "this machine"},
              {"-a,--all-tags", &arguments->all_tags, "Fetch every tag of the repository"},
              {"--keep-compressed", &arguments->keep_compressed,
               "Keep the layers as they travelled too, so that a push sends the same bytes"},
              {"-q,--quiet", &arguments->quiet, "Print the name of the image alone"},
          },
      .run = [arguments](Context& context) { return Pull(context, *arguments); },
  };
  AddRegistryOptions(&command, &arguments->registry);
  return command;
}

}  // namespace veneer
