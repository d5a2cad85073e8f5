// SPDX-License-Identifier: Apache-2.0
//
// The archive that `docker save` wrote before 1.10: a folder for each layer, with its `json` (which
// names the parent's folder) and its `layer.tar`; `repositories` says which layer a name stands
// for. There is no config and no digest: the config is made when the layers are read.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "layerdb/model/reference.h"
#include "tools/archive/load_plan.h"

namespace veneer {

namespace {

constexpr const char* kRepositories = "repositories";
constexpr size_t kMaxChain = 4096;
// In all images together: a name costs the archive little, and each may stand for a long chain.
constexpr size_t kMaxLayers = 20'000;

// The layers of the archive by id.
using Layers = std::map<std::string, LegacyLayerPtr>;

Result<Layers> ReadLayers(ImageSource& source) {
  Layers layers;
  VENEER_TRY(const std::vector<std::string> names, source.TopNames());
  for (const std::string& id : names) {
    if (!Digest::FromHex(id)) continue;
    const std::string name = id + "/json";
    VENEER_TRY(const std::string text, source.Read(name));
    Result<LegacyLayer> layer = ParseLegacyLayer(text, id);
    if (!layer) return tl::unexpected(std::move(layer).error().Context(name));
    VENEER_TRY(const SourceFile archive, source.Open(id + "/layer.tar"));
    layers.emplace(id, std::make_shared<const LegacyLayer>(*std::move(layer)));
  }
  return layers;
}

Result<std::vector<LegacyTag>> ReadTags(ImageSource& source, const Layers& layers) {
  VENEER_TRY(const auto file, source.Find(kRepositories));
  if (!file) return std::vector<LegacyTag>();  // images that were saved by their id
  VENEER_TRY(const std::string text, source.Read(kRepositories));
  Result<std::vector<LegacyTag>> tags = ParseRepositories(text);
  if (!tags) return tl::unexpected(std::move(tags).error().Context(kRepositories));
  for (LegacyTag& tag : *tags) {
    const Result<Reference> reference = ParseReference(tag.name);
    if (!reference) {
      return MakeError(std::string(kRepositories) + ": " + reference.error().message());
    }
    if (!layers.contains(tag.id)) {
      return MakeError(std::string(kRepositories) + ": \"" + reference->TagName() + "\" is layer " +
                       tag.id + ", which is missing");
    }
    tag.name = reference->TagName();
  }
  return tags;
}

// The layers that are images: those with a name, and those that are nobody's parent.
std::vector<std::string> Heads(const Layers& layers, const std::vector<LegacyTag>& tags) {
  std::vector<std::string> heads;
  for (const LegacyTag& tag : tags) {
    if (std::ranges::find(heads, tag.id) == heads.end()) heads.push_back(tag.id);
  }
  std::set<std::string> parents;
  for (const auto& [id, layer] : layers) parents.insert(layer->parent);
  for (const auto& [id, layer] : layers) {
    if (!parents.contains(id) && std::ranges::find(heads, id) == heads.end()) heads.push_back(id);
  }
  return heads;
}

// `head` and what it stands on, bottom first.
Result<std::vector<std::string>> ChainOf(const Layers& layers, const std::string& head) {
  std::vector<std::string> chain;
  std::set<std::string> seen;
  for (std::string id = head; !id.empty();) {
    if (!seen.insert(id).second) return MakeError(id + "/json: \"parent\" leads back to itself");
    if (chain.size() == kMaxChain) {
      return MakeError(head + "/json: more than " + std::to_string(kMaxChain) + " layers");
    }
    const std::string& parent = layers.at(id)->parent;
    if (!parent.empty() && !layers.contains(parent)) {
      return MakeError(id + "/json: \"parent\" is " + parent + ", which is missing");
    }
    chain.push_back(id);
    id = parent;
  }
  std::ranges::reverse(chain);
  return chain;
}

}  // namespace

Result<std::vector<PlannedImage>> PlanLegacyArchive(ImageSource& source) {
  VENEER_TRY(const Layers layers, ReadLayers(source));
  VENEER_TRY(const std::vector<LegacyTag> tags, ReadTags(source, layers));
  std::vector<PlannedImage> images;
  size_t count = 0;
  for (const std::string& head : Heads(layers, tags)) {
    VENEER_TRY(const std::vector<std::string> chain, ChainOf(layers, head));
    count += chain.size();
    if (count > kMaxLayers) {
      return MakeError("its images have more than " + std::to_string(kMaxLayers) +
                       " layers in all");
    }
    PlannedImage image;
    image.config_name = head + "/json";
    for (const std::string& id : chain) {
      image.layers.push_back({id + "/layer.tar", std::nullopt, std::nullopt});
      image.legacy.push_back(layers.at(id));
    }
    for (const LegacyTag& tag : tags) {
      if (tag.id == head) image.tags.push_back(tag.name);
    }
    const auto text = [&](const char* key) {
      const Json& top = layers.at(head)->document;
      const auto value = top.find(key);
      return value != top.end() && value->is_string() ? value->get<std::string>() : std::string();
    };
    image.parsed.os = text("os");
    image.parsed.architecture = text("architecture");
    images.push_back(std::move(image));
  }
  if (images.empty()) {
    // Such as parents that name one another.
    return MakeError(layers.empty() ? "it has no image" : "every \"parent\" is a child of another");
  }
  return images;
}

}  // namespace veneer
