// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/push_plan.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "tools/format/json.h"
#include "tools/oci/compose.h"

namespace veneer {

namespace {

bool IsCompressed(const std::string& media_type) {
  return media_type.ends_with("gzip") || media_type.ends_with("zstd");
}

// Those of the image's further blobs that are manifests of it. Configs and layers are among them.
Result<std::vector<OriginalManifest>> OriginalsOf(const Store& store, const ImageRecord& record) {
  std::vector<OriginalManifest> originals;
  for (const Digest& blob : record.blobs) {
    Result<std::string> bytes = store.ReadBlob(blob, JsonLimits{}.bytes);
    if (!bytes || !bytes->starts_with('{') || Digest::OfBytes(*bytes) != blob) continue;
    Result<ImageDocument> document = ParseImageDocument(*bytes, "");
    if (!document || !std::holds_alternative<ImageManifest>(*document)) continue;
    auto& manifest = std::get<ImageManifest>(*document);
    if (manifest.config.digest != BlobDigest(record.id)) continue;
    if (manifest.layers.size() != record.diff_ids.size()) continue;
    originals.push_back({*std::move(bytes), std::move(manifest)});
  }
  return originals;
}

Result<void> CheckDistributable(const ImageToPush& image, const std::string& name) {
  for (const OriginalManifest& original : image.originals) {
    for (const Descriptor& layer : original.parsed.layers) {
      if (!IsForeignLayer(layer.media_type)) continue;
      return MakeError(name + ": the layer " + layer.digest.ToString() +
                       " is foreign: it must not be distributed, and is not pushed");
    }
  }
  return {};
}

void AddForm(std::vector<LayerForm>* forms, LayerForm form) {
  const auto same = std::ranges::find_if(
      *forms, [&](const LayerForm& known) { return known.blob.digest == form.blob.digest; });
  if (same == forms->end()) {
    forms->push_back(std::move(form));
  } else if (form.proven) {
    *same = std::move(form);
  }
}

// What the manifests of the image call a layer.
void AddNamedForms(const ImageToPush& image, const Digest& diff_id, std::vector<LayerForm>* forms) {
  for (const OriginalManifest& original : image.originals) {
    for (size_t i = 0; i < image.record.diff_ids.size(); ++i) {
      const Descriptor& layer = original.parsed.layers[i];
      const std::optional<Digest> digest = Digest::Parse(layer.digest.ToString());
      // An archive that was not compressed for a reader nearby is, for a registry.
      if (image.record.diff_ids[i] != diff_id || !digest || !IsCompressed(layer.media_type)) {
        continue;
      }
      AddForm(forms, {{*digest, layer.size, layer.media_type}, false});
    }
  }
}

}  // namespace

Result<ImageToPush> PlanPush(Store& store, const Reference& reference,
                             const std::optional<Compression>& compression) {
  VENEER_TRY(const FoundImage found, store.images().Find(reference.TagName()));
  VENEER_TRY(std::string config, store.ReadBlob(found.image.id, JsonLimits{}.bytes));
  if (Digest::OfBytes(config) != found.image.id) {
    return DamageError("blob " + found.image.id.ToString() + ", the config of " +
                       reference.TagName() + ", is damaged");
  }
  ImageToPush image{found.image, std::move(config), {}, {}};
  VENEER_TRY(image.originals, OriginalsOf(store, image.record));
  VENEER_TRY_VOID(CheckDistributable(image, reference.TagName()));
  for (auto diff_id = image.record.diff_ids.rbegin(); diff_id != image.record.diff_ids.rend();
       ++diff_id) {
    VENEER_TRY_VOID(PlanLayer(store, *diff_id, compression, &image));
  }
  return image;
}

Result<void> PlanLayer(Store& store, const Digest& diff_id,
                       const std::optional<Compression>& compression, ImageToPush* image) {
  if (std::ranges::find(image->layers, diff_id, &LayerToPush::diff_id) != image->layers.end()) {
    return {};
  }
  const std::string wanted = CompressionName(compression.value_or(kPushCompression));
  LayerToPush layer{diff_id, {}};
  VENEER_TRY(const std::vector<LayerBlob> known, store.layer_blobs().Find(diff_id));
  if (!compression) {
    AddNamedForms(*image, diff_id, &layer.forms);
    for (const LayerBlob& blob : known) {
      if (blob.compression.empty()) AddForm(&layer.forms, {blob, true});
    }
  }
  for (const LayerBlob& blob : known) {
    if (blob.compression == wanted) AddForm(&layer.forms, {blob, true});
  }
  image->layers.push_back(std::move(layer));
  return {};
}

std::string ManifestFor(const ImageToPush& image, const std::vector<Descriptor>& blobs) {
  for (const OriginalManifest& original : image.originals) {
    if (std::ranges::equal(original.parsed.layers, blobs, {}, &Descriptor::digest,
                           &Descriptor::digest)) {
      return original.bytes;
    }
  }
  // Docker's schema 2 knows no zstd.
  const bool zstd = std::ranges::any_of(
      blobs, [](const Descriptor& blob) { return blob.media_type.ends_with("zstd"); });
  for (const OriginalManifest& original : image.originals) {
    if (zstd && ManifestTypeOf(original.bytes) == kDockerManifestType) continue;
    return ComposeManifestLike(original.bytes, blobs);
  }
  const Descriptor config{kOciConfigType, image.record.id, image.config.size()};
  return ComposeManifest(config, blobs);
}

}  // namespace veneer
