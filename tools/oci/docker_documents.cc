// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/docker_documents.h"

#include <array>
#include <map>
#include <optional>
#include <utility>

#include "layerdb/base/printable.h"

namespace veneer {

namespace {

bool IsLegacyId(const std::string& text) { return Digest::FromHex(text).has_value(); }

Result<DockerImage> ReadImage(const Json& item) {
  if (!item.is_object()) return MakeError("not an object");
  DockerImage image;
  VENEER_TRY(const auto config, GetString(item, "Config"));
  if (!config || config->empty()) return MakeError("\"Config\" is missing");
  image.config = *config;
  VENEER_TRY(auto tags, GetStrings(item, "RepoTags"));
  if (tags) image.tags = *std::move(tags);
  VENEER_TRY(auto layers, GetStrings(item, "Layers"));
  if (layers) image.layers = *std::move(layers);
  if (item.contains("manifests")) return MakeError("both an image and an index (\"manifests\")");
  return image;
}

// Go's encoding/json, which Docker writes with, escapes these in strings; elsewhere they cannot be.
std::string EscapeAsGo(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kEscapes = {
      {{"<", "\\u003c"},
       {">", "\\u003e"},
       {"&", "\\u0026"},
       {"\xe2\x80\xa8", "\\u2028"},
       {"\xe2\x80\xa9", "\\u2029"}}};
  std::string out;
  for (size_t i = 0; i < text.size();) {
    bool escaped = false;
    for (const auto& [raw, escape] : kEscapes) {
      if (!text.substr(i).starts_with(raw)) continue;
      out += escape;
      i += raw.size();
      escaped = true;
      break;
    }
    if (!escaped) out += text[i++];
  }
  return out;
}

Result<Json> HistoryOf(const Json& document) {
  Json item = Json::object();
  VENEER_TRY(const std::string created, GetStringOrEmpty(document, "created"));
  VENEER_TRY(const std::string author, GetStringOrEmpty(document, "author"));
  VENEER_TRY(const std::string comment, GetStringOrEmpty(document, "comment"));
  std::string command;
  VENEER_TRY(const Json* made_by, GetObject(document, "container_config"));
  if (made_by != nullptr) {
    VENEER_TRY(const auto words, GetStrings(*made_by, "Cmd"));
    for (const std::string& word : words.value_or(std::vector<std::string>())) {
      command += (command.empty() ? "" : " ") + word;
    }
  }
  if (!created.empty()) item["created"] = created;
  if (!author.empty()) item["author"] = author;
  if (!command.empty()) item["created_by"] = command;
  if (!comment.empty()) item["comment"] = comment;
  return item;
}

}  // namespace

Result<std::vector<DockerImage>> ParseDockerManifest(std::string_view text) {
  VENEER_TRY(const Json document, ParseJsonList(text));
  std::vector<DockerImage> images;
  for (const Json& item : document) {
    Result<DockerImage> image = ReadImage(item);
    if (!image) {
      return tl::unexpected(
          std::move(image).error().Context("image " + std::to_string(images.size() + 1)));
    }
    images.push_back(*std::move(image));
  }
  if (images.empty()) return MakeError("it lists no image");
  return images;
}

Result<std::vector<LegacyTag>> ParseRepositories(std::string_view text) {
  VENEER_TRY(const Json document, ParseJson(text));
  std::vector<LegacyTag> tags;
  for (const auto& [name, ids] : document.items()) {
    if (!ids.is_object()) return MakeError(QuotedExcerpt(name) + " is not an object");
    for (const auto& [tag, id] : ids.items()) {
      const std::string full = name + ":" + tag;
      if (!id.is_string() || !IsLegacyId(id.get_ref<const std::string&>())) {
        return MakeError(QuotedExcerpt(full) + " is not 64 lower-case hex digits");
      }
      tags.push_back({full, id.get<std::string>()});
    }
  }
  return tags;
}

Result<LegacyLayer> ParseLegacyLayer(std::string_view text, std::string_view id) {
  LegacyLayer layer;
  VENEER_TRY(layer.document, ParseJson(text));
  VENEER_TRY(const std::string own, GetStringOrEmpty(layer.document, "id"));
  if (!own.empty() && own != id) return MakeError("\"id\" is another one: " + QuotedExcerpt(own));
  VENEER_TRY(layer.parent, GetStringOrEmpty(layer.document, "parent"));
  if (!layer.parent.empty() && !IsLegacyId(layer.parent)) {
    return MakeError("\"parent\" is not 64 lower-case hex digits: " + QuotedExcerpt(layer.parent));
  }
  return layer;
}

Result<std::string> ComposeFromLegacy(std::span<const LegacyLayerPtr> layers,
                                      std::span<const Digest> diff_ids) {
  std::map<std::string, Json> fields;
  for (const auto& [key, value] : layers.back()->document.items()) fields.emplace(key, value);
  for (const char* own : {"id", "parent", "Size", "parent_id", "layer_id", "throwaway"}) {
    fields.erase(own);
  }
  Json history = Json::array();
  for (const LegacyLayerPtr& layer : layers) {
    VENEER_TRY(Json item, HistoryOf(layer->document));
    history.push_back(std::move(item));
  }
  Json digests = Json::array();
  for (const Digest& diff_id : diff_ids) digests.push_back(diff_id.ToString());
  fields["history"] = std::move(history);
  fields["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(digests)}};
  Json document = Json::object();
  for (auto& [key, value] : fields) document[key] = std::move(value);
  return EscapeAsGo(DumpJson(document));
}

}  // namespace veneer
