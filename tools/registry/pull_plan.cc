// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/pull_plan.h"

#include <set>
#include <utility>
#include <variant>

#include "layerdb/base/printable.h"
#include "tools/oci/documents.h"

namespace veneer {

namespace {

constexpr int kMaxNesting = 4;

std::string NameOf(const RegistryClient& client, const std::string& reference) {
  return client.RepositoryName() + (Digest::Parse(reference) ? "@" : ":") + reference;
}

bool IsSchema1(const RegistryClient::Manifest& manifest) {
  return manifest.media_type.starts_with("application/vnd.docker.distribution.manifest.v1+");
}

// The entry for the platform; what runs nowhere ("unknown/unknown": an attestation) is none.
Result<Descriptor> Choose(const ImageIndex& index, const Platform& wanted,
                          const std::string& name) {
  const Descriptor* chosen = nullptr;
  int best = 0;
  std::set<std::string> others;
  for (const Descriptor& entry : index.manifests) {
    if (entry.attestation || !entry.artifact_type.empty()) continue;
    // An entry that says nothing is right where there is no better one.
    const int fit = entry.platform ? 2 * PlatformFit(wanted, *entry.platform) : 1;
    if (fit == 0) others.insert(entry.platform->ToString());
    if (fit <= best) continue;
    best = fit;
    chosen = &entry;
  }
  if (chosen != nullptr) return *chosen;
  if (others.empty()) {
    return MakeError(name + ": the index lists no image", ExitCode::kNotFound);
  }
  std::string there;
  constexpr size_t kShown = 16;
  size_t shown = 0;
  for (const std::string& platform : others) {
    if (++shown > kShown) break;
    there += (there.empty() ? "" : ", ") + PrintablePath(platform);
  }
  if (others.size() > kShown) there += " and others";
  return MakeError(name + ": it has no image for " + wanted.ToString() + ", only for " + there,
                   ExitCode::kNotFound);
}

Result<void> CheckManifest(const ImageManifest& manifest, const std::string& name) {
  for (const Descriptor& layer : manifest.layers) {
    if (IsForeignLayer(layer.media_type)) {
      return MakeError(name + ": the layer " + layer.digest.ToString() +
                       " is foreign: it lies elsewhere and is not fetched from there");
    }
  }
  // What speaks of another manifest, or calls itself an artifact, may be an image all the same.
  if (!manifest.runnable) {
    return MakeError(name + ": an artifact and no image: " + manifest.artifact);
  }
  if (manifest.config.digest.algorithm() != BlobDigest::Algorithm::kSha256) {
    return MakeError(name + ": the digest of its config is not of SHA-256: " +
                     manifest.config.digest.ToString());
  }
  return {};
}

// What is in the store has its digest, unless it is damaged.
Result<std::string> ConfigOf(const Store& store, RegistryClient& client, const Descriptor& config) {
  if (const std::optional<Digest> digest = Digest::Parse(config.digest.ToString()); digest) {
    Result<std::string> here = store.ReadBlob(*digest);
    if (here && Digest::OfBytes(*here) == *digest) return here;
  }
  return client.GetDocument(config.digest, config.size);
}

Result<void> TakeConfig(std::string config, const ImageManifest& manifest, const std::string& name,
                        RemoteImage* image) {
  const std::string what = name + ": config";
  Result<ImageConfig> parsed = ParseImageConfig(config);
  if (!parsed) return tl::unexpected(std::move(parsed).error().Context(what));
  if (parsed->diff_ids.size() != manifest.layers.size()) {
    return MakeError(what + ": \"diff_ids\" has " + std::to_string(parsed->diff_ids.size()) +
                     " items, but the manifest has " + std::to_string(manifest.layers.size()) +
                     " layers");
  }
  for (size_t i = 0; i < manifest.layers.size(); ++i) {
    image->layers.push_back({manifest.layers[i], parsed->diff_ids[i]});
  }
  image->id = Digest::OfBytes(config);
  image->parsed = *std::move(parsed);
  image->config = std::move(config);
  return {};
}

}  // namespace

Result<RemoteImage> PlanPull(const Store& store, RegistryClient& client,
                             const std::string& reference,
                             const std::optional<Platform>& platform) {
  const Platform wanted = platform.value_or(HostPlatform());
  std::string at = reference;
  std::string media_type;
  std::vector<std::string> documents;
  std::optional<Digest> top;
  for (int depth = 0; depth <= kMaxNesting; ++depth) {
    const std::string name = NameOf(client, at);
    VENEER_TRY(RegistryClient::Manifest manifest, client.GetManifest(at));
    if (!top) top = manifest.digest;
    if (IsSchema1(manifest)) {
      return MakeError(name +
                       ": a manifest of Docker's schema 1, which Docker itself no longer reads; "
                       "push the image again with a newer program");
    }
    Result<ImageDocument> document =
        ParseImageDocument(manifest.bytes, media_type.empty() ? manifest.media_type : media_type);
    if (!document) {
      const bool known = KindOfMediaType(manifest.media_type) != DocumentKind::kUnknown;
      return tl::unexpected(std::move(document).error().Context(
          known ? name
                : name + ", of the media type '" + PrintablePath(manifest.media_type) + "'"));
    }
    documents.push_back(std::move(manifest.bytes));
    if (const auto* index = std::get_if<ImageIndex>(&*document)) {
      VENEER_TRY(const Descriptor chosen, Choose(*index, wanted, name));
      if (chosen.digest.algorithm() != BlobDigest::Algorithm::kSha256) {
        return MakeError(
            name + ": the digest of a manifest is not of SHA-256: " + chosen.digest.ToString());
      }
      at = chosen.digest.ToString();
      media_type = chosen.media_type;
      continue;
    }
    const auto& found = std::get<ImageManifest>(*document);
    VENEER_TRY_VOID(CheckManifest(found, name));
    RemoteImage image{*top, std::move(documents), {}, *top, {}, {}};
    VENEER_TRY(std::string config, ConfigOf(store, client, found.config));
    VENEER_TRY_VOID(TakeConfig(std::move(config), found, name, &image));
    const Platform has{image.parsed.os, image.parsed.architecture, image.parsed.variant};
    if (platform && PlatformFit(wanted, has) == 0) {
      return MakeError(
          name + ": it is an image for " + has.ToString() + ", not for " + wanted.ToString(),
          ExitCode::kNotFound);
    }
    return image;
  }
  return MakeError(NameOf(client, at) + ": an index within too many others");
}

}  // namespace veneer
