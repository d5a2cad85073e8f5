// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/step_cache.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "tools/oci/cache_documents.h"
#include "tools/oci/compose.h"
#include "tools/oci/documents.h"

namespace veneer {

namespace {

// The config of a cache with the blobs beside it; nullopt: the document is none. BuildKit writes
// either a manifest or, as in its first versions, an index that lists layers.
struct CacheDocument {
  Descriptor config;
  std::vector<Descriptor> blobs;
};
std::optional<CacheDocument> CacheIn(const ImageDocument& document) {
  if (const auto* manifest = std::get_if<ImageManifest>(&document)) {
    if (manifest->config.media_type != kCacheConfigType) return std::nullopt;
    return CacheDocument{manifest->config, manifest->layers};
  }
  const std::vector<Descriptor>& entries = std::get<ImageIndex>(document).manifests;
  const auto config = std::ranges::find(entries, kCacheConfigType, &Descriptor::media_type);
  if (config == entries.end()) return std::nullopt;
  return CacheDocument{*config, entries};
}

// An error of a document says of which.
tl::unexpected<Error> Damaged(const RegistryClient& client, const BlobDigest& document,
                              const Error& error) {
  return tl::unexpected(Error(error).Context(client.RepositoryName() + "@" + document.ToString()));
}

Result<RemoteSteps> StepsOfCache(RegistryClient& client, const CacheDocument& cache) {
  VENEER_TRY(const std::string text, client.GetDocument(cache.config.digest, cache.config.size));
  const Result<std::vector<CachedStep>> cached = ParseCacheConfig(text, cache.blobs);
  if (!cached) return Damaged(client, cache.config.digest, cached.error());
  RemoteSteps steps;
  for (const CachedStep& step : *cached) {
    if (!IsLayerMediaType(step.blob.media_type) || IsForeignLayer(step.blob.media_type)) continue;
    steps.emplace(step.key, RemoteStep{{step.blob, step.diff_id}, step.created});
  }
  return steps;
}

}  // namespace

Result<RemoteSteps> ReadStepCache(const Store& store, RegistryClient& client,
                                  const std::string& reference, const Platform& platform) {
  VENEER_TRY(const RegistryClient::Manifest manifest, client.GetManifest(reference));
  const Result<ImageDocument> document = ParseImageDocument(manifest.bytes, manifest.media_type);
  if (!document) return Damaged(client, manifest.digest, document.error());
  if (const std::optional<CacheDocument> cache = CacheIn(*document); cache) {
    return StepsOfCache(client, *cache);
  }
  VENEER_TRY(const RemoteImage image, PlanPull(store, client, reference, platform));
  const Result<std::vector<InlineStep>> cached = InlineCacheOf(image.parsed);
  if (!cached) return Damaged(client, image.id, cached.error());
  RemoteSteps steps;
  for (const InlineStep& step : *cached) {
    steps.emplace(step.key, RemoteStep{image.layers[step.layer], step.created});
  }
  return steps;
}

Result<StepResult> FetchStep(Store& store, StoreWriter& writer, RegistryClient& client,
                             const RemoteStep& step, const PullOptions& options) {
  VENEER_TRY(const uint64_t bytes, PullLayers(store, writer, client, {step.layer}, options));
  return StepResult{step.layer.diff_id, bytes, step.created};
}

Result<Digest> PushStepCache(Store& store, RegistryClient& client, const Reference& reference,
                             const std::vector<KeyedStepResult>& steps,
                             const PushOptions& options) {
  ImageToPush layers{ImageRecord{Digest::OfBytes(""), {}, ChainIdOf({}), {}, 0, {}}, {}, {}, {}};
  for (const KeyedStepResult& step : steps) {
    layers.record.diff_ids.push_back(step.result.diff_id);
    VENEER_TRY_VOID(PlanLayer(store, step.result.diff_id, options.compression, &layers));
  }
  VENEER_TRY(const std::vector<Descriptor> blobs,
             PushLayers(store, client, reference, layers, options));
  std::vector<CachedStep> cached;
  for (size_t i = 0; i < steps.size(); ++i) {
    cached.push_back({steps[i].key, steps[i].result.created, steps[i].result.diff_id, blobs[i]});
  }
  const std::string config = ComposeCacheConfig(cached);
  VENEER_TRY_VOID(PushDocument(client, config));
  const Descriptor descriptor{kCacheConfigType, Digest::OfBytes(config), config.size()};
  const std::string manifest = ComposeManifest(descriptor, blobs);
  VENEER_TRY_VOID(client.PutManifest(reference.tag.value_or(std::string(kDefaultTag)),
                                     ManifestTypeOf(manifest), manifest));
  return Digest::OfBytes(manifest);
}

}  // namespace veneer
