// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/cache_documents.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "layerdb/base/base64.h"
#include "tools/format/json.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

constexpr const char* kInlineMember = "moby.buildkit.cache.v0";

Json RecordOf(const Digest& key, const Timestamp& created, size_t layer) {
  Json result = {{"layer", layer}, {"createdAt", FormatRfc3339(created)}};
  return {{"digest", key.ToString()}, {"layers", Json::array({std::move(result)})}};
}

Result<Digest> DigestMember(const Json& object, const char* member) {
  VENEER_TRY(const std::string text, GetStringOrEmpty(object, member));
  const std::optional<Digest> digest = Digest::Parse(text);
  if (!digest) return MakeError(std::string("\"") + member + "\" is no digest of SHA-256");
  return *digest;
}

// A number that counts something of a list of `size`.
Result<size_t> LayerNumber(const Json& result, size_t size) {
  const auto found = result.find("layer");
  // Go leaves a zero out.
  if (found == result.end()) return size_t{0};
  if (!found->is_number_unsigned() || found->get<uint64_t>() >= size) {
    return MakeError("\"layer\" is no number of a layer");
  }
  return found->get<size_t>();
}

// The steps of records of which each has one layer among `count`.
Result<std::vector<InlineStep>> StepsOfRecords(const Json& records, size_t count) {
  std::vector<InlineStep> steps;
  for (const Json& record : records) {
    if (!record.is_object()) return MakeError("a record of the cache is no object");
    VENEER_TRY(const Json* const results, GetArray(record, "layers"));
    if (results == nullptr || results->size() != 1) continue;
    const Json& result = results->front();
    if (!result.is_object()) return MakeError("a result of the cache is no object");
    VENEER_TRY(Digest key, DigestMember(record, "digest"));
    VENEER_TRY(const size_t layer, LayerNumber(result, count));
    VENEER_TRY(const std::string created, GetStringOrEmpty(result, "createdAt"));
    Timestamp time;
    if (!created.empty()) {
      VENEER_TRY(time, ParseRfc3339(created));
    }
    steps.push_back({std::move(key), time, layer});
  }
  return steps;
}

}  // namespace

std::string ComposeCacheConfig(const std::vector<CachedStep>& steps) {
  Json layers = Json::array();
  Json records = Json::array();
  for (const CachedStep& step : steps) {
    records.push_back(RecordOf(step.key, step.created, layers.size()));
    layers.push_back({{"blob", step.blob.digest.ToString()},
                      {"parent", -1},
                      {"annotations",
                       {{"mediaType", step.blob.media_type},
                        {"diffID", step.diff_id.ToString()},
                        {"size", step.blob.size},
                        {"createdAt", FormatRfc3339(step.created)}}}});
  }
  return DumpJson({{"layers", std::move(layers)}, {"records", std::move(records)}});
}

Result<std::vector<CachedStep>> ParseCacheConfig(std::string_view text,
                                                 const std::vector<Descriptor>& blobs) {
  VENEER_TRY(const Json document, ParseJson(text));
  VENEER_TRY(const Json* const layers, GetArray(document, "layers"));
  VENEER_TRY(const Json* const records, GetArray(document, "records"));
  std::vector<CachedStep> cached;
  if (layers == nullptr || records == nullptr) return cached;
  VENEER_TRY(const std::vector<InlineStep> steps, StepsOfRecords(*records, layers->size()));
  for (const InlineStep& step : steps) {
    const Json& layer = (*layers)[step.layer];
    if (!layer.is_object()) return MakeError("a layer of the cache is no object");
    VENEER_TRY(const Json* const annotations, GetObject(layer, "annotations"));
    VENEER_TRY(const std::string blob, GetStringOrEmpty(layer, "blob"));
    const auto found = std::ranges::find_if(
        blobs, [&](const Descriptor& each) { return each.digest.ToString() == blob; });
    if (annotations == nullptr || found == blobs.end()) continue;
    VENEER_TRY(const Digest diff_id, DigestMember(*annotations, "diffID"));
    cached.push_back({step.key, step.created, diff_id, *found});
  }
  return cached;
}

std::string WithInlineCache(const ImageConfig& config, const std::vector<InlineStep>& steps) {
  Json records = Json::array();
  for (const InlineStep& step : steps) {
    records.push_back(RecordOf(step.key, step.created, step.layer));
  }
  Json document = config.document;
  document[kInlineMember] = Base64Encode(DumpJson(records));
  return DumpJson(document);
}

Result<std::vector<InlineStep>> InlineCacheOf(const ImageConfig& config) {
  VENEER_TRY(const std::string text, GetStringOrEmpty(config.document, kInlineMember));
  if (text.empty()) return std::vector<InlineStep>();
  const std::optional<std::string> decoded = Base64Decode(text, Base64Form::kLoose);
  if (!decoded) return MakeError(std::string("\"") + kInlineMember + "\" is no base64");
  VENEER_TRY(const Json records, ParseJsonList(*decoded));
  return StepsOfRecords(records, config.diff_ids.size());
}

}  // namespace veneer
