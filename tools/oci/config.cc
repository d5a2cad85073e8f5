// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/config.h"

#include <algorithm>
#include <utility>

#include "tools/format/time_format.h"

namespace veneer {

namespace {

// Far more than any image has (the kernel's overlayfs stops at 500 layers), and few enough to
// merge.
constexpr size_t kMaxLayers = 4096;

Result<std::vector<std::string>> StringsOf(const Json& object, const char* key) {
  VENEER_TRY(auto value, GetStrings(object, key));
  return value.value_or(std::vector<std::string>());
}

Result<std::optional<Timestamp>> TimeOf(const Json& object, const char* key) {
  VENEER_TRY(auto text, GetString(object, key));
  if (!text) return std::optional<Timestamp>();
  Result<Timestamp> time = ParseRfc3339(*text);
  if (!time) return tl::unexpected(std::move(time).error().Context(std::string("\"") + key + "\""));
  return std::optional<Timestamp>(*time);
}

Result<void> ReadRuntime(const Json& document, ImageConfig* config) {
  VENEER_TRY(const Json* runtime, GetObject(document, "config"));
  if (runtime == nullptr) return {};
  VENEER_TRY(config->user, GetStringOrEmpty(*runtime, "User"));
  VENEER_TRY(config->working_dir, GetStringOrEmpty(*runtime, "WorkingDir"));
  VENEER_TRY(config->env, StringsOf(*runtime, "Env"));
  VENEER_TRY(config->entrypoint, StringsOf(*runtime, "Entrypoint"));
  VENEER_TRY(config->cmd, StringsOf(*runtime, "Cmd"));
  // Nothing here needs them, but who asks for them must find what they are (image-spec, config.md).
  for (const char* key : {"Labels", "ExposedPorts", "Volumes", "Healthcheck"}) {
    VENEER_TRY_VOID(GetObject(*runtime, key));
  }
  for (const char* key : {"OnBuild", "Shell"}) VENEER_TRY_VOID(GetStrings(*runtime, key));
  VENEER_TRY_VOID(GetString(*runtime, "StopSignal"));
  return {};
}

Result<void> ReadLayers(const Json& document, ImageConfig* config) {
  VENEER_TRY(const Json* rootfs, GetObject(document, "rootfs"));
  if (rootfs == nullptr) return MakeError("\"rootfs\" is missing");
  VENEER_TRY(const std::vector<std::string> digests, StringsOf(*rootfs, "diff_ids"));
  if (digests.size() > kMaxLayers)
    return MakeError("more than " + std::to_string(kMaxLayers) + " layers");
  for (const std::string& text : digests) {
    const std::optional<Digest> digest = Digest::Parse(text);
    if (!digest) {
      return MakeError("\"diff_ids\", item " + std::to_string(config->diff_ids.size() + 1) +
                       ", is not sha256: and 64 lower-case hex digits");
    }
    config->diff_ids.push_back(*digest);
  }
  return {};
}

Result<void> ReadHistory(const Json& document, ImageConfig* config) {
  VENEER_TRY(const Json* history, GetArray(document, "history"));
  if (history == nullptr) return {};
  for (const Json& item : *history) {
    if (!item.is_object()) return MakeError("\"history\" is not a list of objects");
    HistoryEntry entry;
    VENEER_TRY(entry.created, TimeOf(item, "created"));
    VENEER_TRY(entry.created_by, GetStringOrEmpty(item, "created_by"));
    VENEER_TRY(entry.author, GetStringOrEmpty(item, "author"));
    VENEER_TRY(entry.comment, GetStringOrEmpty(item, "comment"));
    VENEER_TRY(const auto empty_layer, GetBool(item, "empty_layer"));
    entry.empty_layer = empty_layer.value_or(false);
    config->history.push_back(std::move(entry));
  }
  return {};
}

Json HistoryItem(const NewLayer& layer) {
  Json item = {{"created", FormatRfc3339(layer.created)}};
  if (!layer.created_by.empty()) item["created_by"] = layer.created_by;
  if (!layer.author.empty()) item["author"] = layer.author;
  if (!layer.comment.empty()) item["comment"] = layer.comment;
  if (!layer.diff_id) item["empty_layer"] = true;
  return item;
}

// One history item for each layer of the parent: items count the layers from the bottom, so the new
// layer's would be read as that of a lower one where the parent tells of too few, and as that of
// none where it tells of too many.
void CompleteHistory(const ImageConfig& parent, Json* document) {
  Json items = (*document)["history"].is_array() ? (*document)["history"] : Json::array();
  size_t told = 0;
  for (size_t i = 0; i < parent.history.size(); ++i) {
    if (parent.history[i].empty_layer) continue;
    if (told == parent.diff_ids.size()) {
      items[i]["empty_layer"] = true;
    } else {
      ++told;
    }
  }
  for (; told < parent.diff_ids.size(); ++told) {
    Json item = Json::object();
    if (parent.created) item["created"] = FormatRfc3339(*parent.created);
    items.push_back(std::move(item));
  }
  (*document)["history"] = std::move(items);
}

}  // namespace

std::vector<HistoryEntry> StepsOf(const ImageConfig& config) {
  std::vector<HistoryEntry> steps = config.history;
  size_t layers = 0;
  for (HistoryEntry& step : steps) {
    if (step.empty_layer) continue;
    step.empty_layer = layers == config.diff_ids.size();
    if (!step.empty_layer) ++layers;
  }
  HistoryEntry bare;
  bare.created = config.created;
  steps.insert(steps.end(), config.diff_ids.size() - layers, bare);
  return steps;
}

Result<ImageConfig> ParseImageConfig(std::string_view text) {
  ImageConfig config;
  VENEER_TRY(config.document, ParseJson(text));
  const Json& document = config.document;
  VENEER_TRY(config.created, TimeOf(document, "created"));
  VENEER_TRY(config.author, GetStringOrEmpty(document, "author"));
  VENEER_TRY(config.architecture, GetStringOrEmpty(document, "architecture"));
  VENEER_TRY(config.os, GetStringOrEmpty(document, "os"));
  VENEER_TRY(config.variant, GetStringOrEmpty(document, "variant"));
  VENEER_TRY_VOID(ReadRuntime(document, &config));
  VENEER_TRY_VOID(ReadLayers(document, &config));
  VENEER_TRY_VOID(ReadHistory(document, &config));
  return config;
}

std::string ComposeImage(const NewLayer& layer, const Platform& platform, const Json& runtime) {
  Json document = {{"created", FormatRfc3339(layer.created)}};
  if (!layer.author.empty()) document["author"] = layer.author;
  document["architecture"] = platform.architecture;
  if (!platform.variant.empty()) document["variant"] = platform.variant;
  document["os"] = platform.os;
  document["config"] = runtime;
  document["rootfs"] = {{"type", "layers"}, {"diff_ids", Json::array({layer.diff_id->ToString()})}};
  document["history"] = Json::array({HistoryItem(layer)});
  return DumpJson(document);
}

std::string ComposeChild(const ImageConfig& parent, const NewLayer& layer) {
  Json document = parent.document;
  if (layer.diff_id || !parent.created) document["created"] = FormatRfc3339(layer.created);
  if (!layer.author.empty()) document["author"] = layer.author;
  // What Docker once noted of the container that made the parent is not true of the child.
  document.erase("container");
  document.erase("container_config");
  document["rootfs"]["type"] = "layers";
  if (layer.diff_id) document["rootfs"]["diff_ids"].push_back(layer.diff_id->ToString());
  CompleteHistory(parent, &document);
  if (layer.diff_id || !layer.created_by.empty()) document["history"].push_back(HistoryItem(layer));
  return DumpJson(document);
}

std::string ComposeSquashed(const ImageConfig& base, const ImageConfig& image,
                            const NewLayer& layer) {
  Json document = image.document;
  document["created"] = FormatRfc3339(layer.created);
  Json& diff_ids = document["rootfs"]["diff_ids"];
  diff_ids = Json::array();
  for (const Digest& diff_id : base.diff_ids) diff_ids.push_back(diff_id.ToString());
  diff_ids.push_back(layer.diff_id->ToString());
  CompleteHistory(image, &document);
  Json& items = document["history"];
  for (size_t i = StepsOf(base).size(); i < items.size(); ++i) items[i]["empty_layer"] = true;
  items.push_back(HistoryItem(layer));
  return DumpJson(document);
}

}  // namespace veneer
