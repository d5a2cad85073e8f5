// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/compose.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "layerdb/model/reference.h"
#include "tools/format/json.h"

namespace veneer {

namespace {

Json ToJson(const Descriptor& descriptor) {
  return {{"mediaType", descriptor.media_type},
          {"digest", descriptor.digest.ToString()},
          {"size", descriptor.size}};
}

// "debian:12" with its host: "docker.io/library/debian:12".
std::string FullName(const std::string& tag_name) {
  const Result<Reference> reference = ParseReference(tag_name);
  if (!reference || !reference->tag) return tag_name;
  return reference->domain + "/" + reference->path + ":" + *reference->tag;
}

// Of zstd:chunked and eStargz: where the files lie in the compressed bytes.
constexpr std::array<std::string_view, 3> kBlobAnnotations = {"io.github.containers.zstd-chunked.",
                                                              "io.containers.zstd-chunked.",
                                                              "containerd.io/snapshot/stargz/"};

// "application/vnd.oci.image.layer.v1.tar+gzip" for Docker: "….diff.tar.gzip".
std::string LayerTypeFor(bool docker, const std::string& media_type) {
  const bool gzip = media_type.ends_with("gzip");
  if (docker) return std::string(kDockerLayerType) + (gzip ? ".gzip" : "");
  const bool zstd = media_type.ends_with("zstd");
  return std::string(kOciLayerType) + (gzip ? "+gzip" : zstd ? "+zstd" : "");
}

}  // namespace

std::string ManifestTypeOf(const std::string& manifest) {
  const Result<Json> document = ParseJson(manifest);
  const auto type = document ? GetString(*document, "mediaType").value_or(std::nullopt)
                             : std::optional<std::string>();
  return type.value_or(kOciManifestType);
}

std::string ComposeManifestLike(const std::string& original,
                                const std::vector<Descriptor>& layers) {
  Json document = *ParseJson(original);
  const bool docker = ManifestTypeOf(original) == kDockerManifestType;
  Json& list = document["layers"];
  for (size_t i = 0; i < layers.size(); ++i) {
    Json& entry = list[i];
    if (entry["digest"] == layers[i].digest.ToString()) continue;
    entry["mediaType"] = LayerTypeFor(docker, layers[i].media_type);
    entry["digest"] = layers[i].digest.ToString();
    entry["size"] = layers[i].size;
    const auto notes = entry.find("annotations");
    if (notes == entry.end()) continue;
    for (auto note = notes->begin(); note != notes->end();) {
      const bool of_bytes = std::ranges::any_of(kBlobAnnotations, [&](std::string_view prefix) {
        return note.key().starts_with(prefix);
      });
      note = of_bytes ? notes->erase(note) : std::next(note);
    }
    if (notes->empty()) entry.erase("annotations");
  }
  return DumpJson(document);
}

std::string ComposeManifest(const Descriptor& config, const std::vector<Descriptor>& layers,
                            const std::map<std::string, std::string>& annotations) {
  Json list = Json::array();
  for (const Descriptor& layer : layers) {
    list.push_back(ToJson(layer));
    list.back()["mediaType"] = LayerTypeFor(false, layer.media_type);
  }
  Json document = {{"schemaVersion", 2}, {"mediaType", kOciManifestType}};
  document["config"] = ToJson(config);
  document["layers"] = std::move(list);
  if (!annotations.empty()) document["annotations"] = annotations;
  return DumpJson(document);
}

std::string ComposeIndex(const std::vector<NamedManifest>& manifests) {
  std::map<std::string, size_t> uses;  // of a tag
  for (const NamedManifest& named : manifests) {
    for (const std::string& name : named.tags) ++uses[SplitTagName(name).second];
  }
  Json list = Json::array();
  for (const NamedManifest& named : manifests) {
    Json unnamed = ToJson(named.manifest);
    if (!named.annotations.empty()) unnamed["annotations"] = named.annotations;
    if (named.tags.empty()) list.push_back(unnamed);
    for (const std::string& name : named.tags) {
      const std::string tag = SplitTagName(name).second;
      Json entry = unnamed;
      entry["annotations"]["io.containerd.image.name"] = FullName(name);
      entry["annotations"]["org.opencontainers.image.ref.name"] = uses[tag] > 1 ? name : tag;
      list.push_back(std::move(entry));
    }
  }
  Json document = {{"schemaVersion", 2}, {"mediaType", kOciIndexType}};
  document["manifests"] = std::move(list);
  return DumpJson(document);
}

std::string ComposeOciLayout() { return R"({"imageLayoutVersion":"1.0.0"})"; }

std::string ComposeDockerManifest(const std::vector<DockerImage>& images) {
  Json document = Json::array();
  for (const DockerImage& image : images) {
    Json entry = {{"Config", image.config}};
    entry["RepoTags"] = image.tags.empty() ? Json() : Json(image.tags);
    entry["Layers"] = image.layers;
    document.push_back(std::move(entry));
  }
  return DumpJson(document);
}

std::string ComposeRepositories(const std::vector<DockerName>& names) {
  Json document = Json::object();
  for (const DockerName& name : names) {
    const auto [repository, tag] = SplitTagName(name.tag);
    document[repository][tag] = name.top_layer;
  }
  return DumpJson(document);
}

}  // namespace veneer
