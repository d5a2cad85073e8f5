// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/compose.h"

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

}  // namespace

std::string ComposeManifest(const Descriptor& config, const std::vector<Descriptor>& layers) {
  Json list = Json::array();
  for (const Descriptor& layer : layers) list.push_back(ToJson(layer));
  Json document = {{"schemaVersion", 2}, {"mediaType", kOciManifestType}};
  document["config"] = ToJson(config);
  document["layers"] = std::move(list);
  return DumpJson(document);
}

std::string ComposeIndex(const std::vector<NamedManifest>& manifests) {
  std::map<std::string, size_t> uses;  // of a tag
  for (const NamedManifest& named : manifests) {
    for (const std::string& name : named.tags) ++uses[SplitTagName(name).second];
  }
  Json list = Json::array();
  for (const NamedManifest& named : manifests) {
    if (named.tags.empty()) list.push_back(ToJson(named.manifest));
    for (const std::string& name : named.tags) {
      const std::string tag = SplitTagName(name).second;
      Json entry = ToJson(named.manifest);
      entry["annotations"] = {{"io.containerd.image.name", FullName(name)},
                              {"org.opencontainers.image.ref.name", uses[tag] > 1 ? name : tag}};
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
