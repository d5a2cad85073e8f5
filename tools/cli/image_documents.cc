// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/image_documents.h"

#include <optional>
#include <set>

#include "layerdb/model/reference.h"

namespace veneer {

namespace {

Result<Json> ReadConfigDocument(const Store& store, const Digest& id) {
  VENEER_TRY(const std::string text, store.ReadBlob(id, JsonLimits{}.bytes));
  return ParseJson(text);
}

// True when the document is a manifest of the image with this config.
bool IsManifestOf(const Json& document, const Digest& id) {
  const auto config = GetObject(document, "config");
  if (!config || *config == nullptr) return false;
  const auto digest = GetString(**config, "digest");
  return digest && *digest && **digest == id.ToString();
}

}  // namespace

Result<Json> ConfigOf(const Store& store, const ImageRecord& image) {
  Result<Json> config = ReadConfigDocument(store, image.id);
  if (config) return config;
  return tl::unexpected(
      std::move(config).error().Context("config of image " + image.id.ToString()));
}

Result<Json> LabelsOf(const Store& store, const ImageRecord& image) {
  VENEER_TRY(const Json document, ConfigOf(store, image));
  // What was kept before configs were looked at more closely may have something else there.
  const auto runtime = document.find("config");
  if (runtime == document.end() || !runtime->is_object()) return Json::object();
  const auto labels = runtime->find("Labels");
  return labels == runtime->end() || !labels->is_object() ? Json::object() : *labels;
}

namespace {

// The manifest that was kept with the image.
std::optional<Digest> ManifestDigestOf(const Store& store, const ImageRecord& image) {
  for (const Digest& blob : image.blobs) {
    const auto text = store.ReadBlob(blob, JsonLimits{}.bytes);
    if (!text || !text->starts_with('{')) continue;
    const auto document = ParseJson(*text);
    if (document && IsManifestOf(*document, image.id)) return blob;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> RepoDigestsOf(const Store& store, const ImageRecord& image,
                                       const std::vector<std::string>& tags) {
  if (!image.repo_digests.empty()) return image.repo_digests;
  const std::optional<Digest> digest = ManifestDigestOf(store, image);
  if (!digest) return {};
  std::set<std::string> repositories;
  for (const std::string& tag : tags) repositories.insert(SplitTagName(tag).first);
  std::vector<std::string> names;
  for (const std::string& name : repositories) names.push_back(name + "@" + digest->ToString());
  return names;
}

}  // namespace veneer
