// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>
#include <variant>

#include "layerdb/base/base64.h"
#include "layerdb/base/printable.h"
#include "layerdb/model/reference.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/pull_image.h"
#include "tools/cli/registry_options.h"
#include "tools/format/json.h"
#include "tools/oci/config.h"
#include "tools/oci/documents.h"

namespace veneer {

namespace {

struct ManifestArguments {
  std::string name;
  bool verbose = false;
  bool insecure = false;
  RegistryOptions registry;
};

// A registry could list any number of manifests, each of which is fetched.
constexpr size_t kMaxEntries = 1000;
// Of all manifests that are shown together, which take a hundred times as much memory.
constexpr size_t kMaxBytes = size_t{8} << 20;

// Docker writes an index with three spaces, and everything else with tabs.
std::string Indented(const Json& document, bool index) {
  const auto replace = Json::error_handler_t::replace;
  return document.dump(index ? 3 : 1, index ? ' ' : '\t', false, replace) + "\n";
}

struct FetchedManifest {
  RegistryClient::Manifest manifest;
  Json document;
  bool index = false;
};

Result<FetchedManifest> Fetch(RegistryClient& client, const std::string& name,
                              const std::string& reference) {
  VENEER_TRY(RegistryClient::Manifest manifest, client.GetManifest(reference));
  Result<Json> document = ParseJson(manifest.bytes);
  if (!document) return tl::unexpected(std::move(document).error().Context(name));
  FetchedManifest fetched{std::move(manifest), *std::move(document), false};
  VENEER_TRY(const Json* const entries, GetArray(fetched.document, "manifests"));
  fetched.index = entries != nullptr;
  return fetched;
}

// What an index says of its entry, or the config of the image; null: neither does.
Result<Json> PlatformOf(RegistryClient& client, const FetchedManifest& fetched) {
  const Result<ImageDocument> parsed =
      ParseImageDocument(fetched.manifest.bytes, fetched.manifest.media_type);
  const auto* const image = parsed ? std::get_if<ImageManifest>(&*parsed) : nullptr;
  if (image == nullptr || !image->artifact.empty()) return Json();
  VENEER_TRY(const std::string bytes, client.GetDocument(image->config.digest, image->config.size));
  VENEER_TRY(const ImageConfig config, ParseImageConfig(bytes));
  Json platform;
  platform["architecture"] = config.architecture;
  platform["os"] = config.os;
  if (!config.variant.empty()) platform["variant"] = config.variant;
  return platform;
}

// As `docker manifest inspect --verbose` describes one manifest.
Json Described(const std::string& name, const FetchedManifest& fetched, const Json& platform) {
  Json descriptor;
  const std::optional<std::string> written =
      GetString(fetched.document, "mediaType").value_or(std::nullopt);
  const std::string media_type = written.value_or(fetched.manifest.media_type);
  descriptor["mediaType"] = media_type;
  descriptor["digest"] = fetched.manifest.digest.ToString();
  descriptor["size"] = fetched.manifest.bytes.size();
  if (!platform.is_null()) descriptor["platform"] = platform;
  Json described;
  described["Ref"] = name;
  described["Descriptor"] = std::move(descriptor);
  described["Raw"] = Base64Encode(fetched.manifest.bytes);
  const bool docker = media_type.starts_with("application/vnd.docker.");
  described[docker ? "SchemaV2Manifest" : "OCIManifest"] = fetched.document;
  return described;
}

Result<std::string> DescribeAll(RegistryClient& client, const std::string& name,
                                const std::string& repository, const FetchedManifest& top) {
  if (!top.index) {
    VENEER_TRY(const Json platform, PlatformOf(client, top));
    return Indented(Described(name, top, platform), false);
  }
  Json all = Json::array();
  size_t bytes = 0;
  VENEER_TRY(const Json* const entries, GetArray(top.document, "manifests"));
  if (entries->size() > kMaxEntries) {
    return MakeError(name + ": the index lists more than " + std::to_string(kMaxEntries) +
                     " manifests");
  }
  for (const Json& entry : *entries) {
    if (!entry.is_object()) return MakeError(name + ": an entry of the index is not an object");
    VENEER_TRY(const std::string digest, GetStringOrEmpty(entry, "digest"));
    if (!Digest::Parse(digest)) {
      return MakeError(name + ": not a digest of SHA-256: " + PrintablePath(digest));
    }
    const std::string at = repository + "@" + digest;
    VENEER_TRY(const FetchedManifest fetched, Fetch(client, at, digest));
    if ((bytes += fetched.manifest.bytes.size()) > kMaxBytes) {
      return MakeError(name + ": the manifests of the index are larger than 8 MiB");
    }
    VENEER_TRY(const Json* const platform, GetObject(entry, "platform"));
    all.push_back(Described(at, fetched, platform != nullptr ? *platform : Json()));
  }
  return Indented(all, false);
}

Result<int> InspectManifest(const ManifestArguments& arguments) {
  RegistryOptions options = arguments.registry;
  if (arguments.insecure) options.tls_verify = "false";
  Interrupt interrupt;
  VENEER_TRY(const std::unique_ptr<RegistryAccess> access,
             OpenRegistries(options, interrupt.cancellation()));
  std::string text;
  const auto inspect = [&](const Reference& reference, RegistryClient& client) -> Result<void> {
    const std::string repository = reference.domain + "/" + reference.path;
    const std::string name = CanonicalName(reference);
    VENEER_TRY(const FetchedManifest top,
               Fetch(client, name,
                     reference.digest ? reference.digest->ToString()
                                      : reference.tag.value_or(std::string(kDefaultTag))));
    if (arguments.verbose) {
      // An index is described by its manifests, which have its name before their digests.
      VENEER_TRY(text, DescribeAll(client, name, reference.digest ? repository : name, top));
    } else {
      text = Indented(top.document, top.index);
    }
    return {};
  };
  if (const auto done = AskRegistries(*access, arguments.name, inspect); !done) {
    interrupt.EndIfAsked();
    return tl::unexpected(done.error());
  }
  PrintData(text);
  return 0;
}

CommandSpec ManifestInspectCommand() {
  auto arguments = std::make_shared<ManifestArguments>();
  CommandSpec command = {
      .name = "inspect",
      .summary = "Show the manifest or the index of an image at its registry, as JSON",
      .positionals = {{ImageValue("REF"), &arguments->name, "The image, by tag or digest"}},
      .options =
          {
              {"-v,--verbose", &arguments->verbose,
               "Also name, digest, size and platform; of an index every manifest"},
              {"--insecure", &arguments->insecure, "The same as --tls-verify=false"},
          },
      .run = [arguments](Context&) { return InspectManifest(*arguments); },
  };
  AddRegistryOptions(&command, &arguments->registry);
  return command;
}

}  // namespace

CommandSpec ManifestCommand() {
  return {.name = "manifest",
          .summary = "Work with manifests at registries",
          .commands = {ManifestInspectCommand()}};
}

}  // namespace veneer
