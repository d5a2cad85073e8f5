// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/cache_documents.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "layerdb/base/base64.h"
#include "tools/format/json.h"

namespace veneer {
namespace {

Descriptor BlobOf(const std::string& text) {
  return {"application/vnd.oci.image.layer.v1.tar+gzip", Digest::OfBytes(text), text.size()};
}

std::vector<CachedStep> TwoSteps() {
  return {{Digest::OfBytes("key 1"), {1'700'000'000, 5}, Digest::OfBytes("diff 1"), BlobOf("one")},
          {Digest::OfBytes("key 2"), {1'700'000'001, 0}, Digest::OfBytes("diff 2"), BlobOf("two")}};
}

ImageConfig ConfigOfLayers(const std::string& more = "") {
  const std::string layers =
      "\"" + Digest::OfBytes("a").ToString() + "\",\"" + Digest::OfBytes("b").ToString() + "\"";
  return *ParseImageConfig(
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + layers +
      "]}" + more + "}");
}

// Changes a member of the config of a cache, and reads that.
Result<std::vector<CachedStep>> Changed(const Json::json_pointer& member, const Json& value) {
  Json document = *ParseJson(ComposeCacheConfig(TwoSteps()));
  document[member] = value;
  return ParseCacheConfig(DumpJson(document), {BlobOf("one"), BlobOf("two")});
}

TEST(CacheDocuments, AConfigIsReadAsItWasWritten) {
  const std::vector<CachedStep> steps = TwoSteps();
  const auto read = ParseCacheConfig(ComposeCacheConfig(steps), {BlobOf("two"), BlobOf("one")});
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->size(), steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ((*read)[i].key, steps[i].key);
    EXPECT_EQ((*read)[i].created, steps[i].created);
    EXPECT_EQ((*read)[i].diff_id, steps[i].diff_id);
    EXPECT_EQ((*read)[i].blob.digest, steps[i].blob.digest);
    EXPECT_EQ((*read)[i].blob.size, steps[i].blob.size);
  }
}

TEST(CacheDocuments, AStepWhoseLayerTheManifestLacksIsLeftOut) {
  const auto read = ParseCacheConfig(ComposeCacheConfig(TwoSteps()), {BlobOf("two")});
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().key, Digest::OfBytes("key 2"));
}

TEST(CacheDocuments, RecordsOfBuildKitWithoutOneLayerAreLeftOut) {
  const Json::json_pointer layers("/records/0/layers");
  for (const Json& value :
       {Json(nullptr), Json::array(), Json::parse(R"([{"layer":0},{"layer":1}])")}) {
    const auto read = Changed(layers, value);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->size(), 1U);
  }
}

TEST(CacheDocuments, WrongMembersAreErrors) {
  const std::vector<std::pair<std::string, Json>> wrong = {
      {"/records/0/layers/0/layer", 2},
      {"/records/0/layers/0/layer", -1},
      {"/records/0/layers/0/layer", "0"},
      {"/records/0/layers/0", 0},
      {"/records/0", 0},
      {"/records", Json::object()},
      {"/records/0/digest", "sha256:../.."},
      {"/records/0/layers/0/createdAt", "today"},
      {"/layers/0", 0},
      {"/layers/0/annotations", 1},
      {"/layers/0/annotations/diffID", ""},
      {"/layers", "x"}};
  for (const auto& [member, value] : wrong) {
    EXPECT_FALSE(Changed(Json::json_pointer(member), value)) << member << " " << value;
  }
}

TEST(CacheDocuments, AnImageHasTheStepsThatWerePutIntoIt) {
  const ImageConfig before = ConfigOfLayers();
  const std::string text =
      WithInlineCache(before, {{Digest::OfBytes("key"), {1'700'000'000, 0}, 1}});
  EXPECT_EQ(text, WithInlineCache(*ParseImageConfig(text),
                                  {{Digest::OfBytes("key"), {1'700'000'000, 0}, 1}}))
      << "in place of another one";
  const auto steps = InlineCacheOf(*ParseImageConfig(text));
  ASSERT_TRUE(steps);
  ASSERT_EQ(steps->size(), 1U);
  EXPECT_EQ(steps->front().key, Digest::OfBytes("key"));
  EXPECT_EQ(steps->front().layer, 1U);
  EXPECT_EQ(steps->front().created, (Timestamp{1'700'000'000, 0}));
}

TEST(CacheDocuments, AnImageWithoutACacheHasNoSteps) {
  const auto steps = InlineCacheOf(ConfigOfLayers());
  ASSERT_TRUE(steps);
  EXPECT_TRUE(steps->empty());
}

TEST(CacheDocuments, AWrongCacheInAnImageIsAnError) {
  const std::string key = Digest::OfBytes("key").ToString();
  for (const std::string& value :
       {std::string("%%%"), Base64Encode("{}"),
        Base64Encode(R"([{"digest":")" + key + R"(","layers":[{"layer":2}]}])")}) {
    EXPECT_FALSE(InlineCacheOf(ConfigOfLayers(R"(,"moby.buildkit.cache.v0":")" + value + "\"")))
        << value;
  }
}

}  // namespace
}  // namespace veneer
