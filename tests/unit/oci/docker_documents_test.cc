// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/docker_documents.h"

#include <gtest/gtest.h>

#include "tools/oci/config.h"

namespace veneer {
namespace {

const std::string kA(64, 'a');
const std::string kB(64, 'b');

TEST(DockerDocumentsTest, TheManifestListsImages) {
  const Result<std::vector<DockerImage>> images = ParseDockerManifest(
      R"([{"Config":"c.json","RepoTags":["a:1","a:2"],"Layers":["x/layer.tar"]},)"
      R"({"Config":"d.json","RepoTags":null,"Layers":null,"LayerSources":{}}])");
  ASSERT_TRUE(images) << images.error().message();
  ASSERT_EQ(images->size(), 2U);
  EXPECT_EQ((*images)[0].config, "c.json");
  EXPECT_EQ((*images)[0].tags, (std::vector<std::string>{"a:1", "a:2"}));
  EXPECT_EQ((*images)[0].layers, (std::vector<std::string>{"x/layer.tar"}));
  EXPECT_TRUE((*images)[1].tags.empty());
}

TEST(DockerDocumentsTest, ErrorsNameTheImageAndTheField) {
  const auto problem = [](const std::string& text) {
    const auto images = ParseDockerManifest(text);
    return images ? "" : images.error().message();
  };
  EXPECT_EQ(problem("[]"), "it lists no image");
  EXPECT_EQ(problem(R"([{"Config":"c"},{}])"), "image 2: \"Config\" is missing");
  EXPECT_EQ(problem(R"([{"Config":["c"]}])"), "image 1: \"Config\" is not a string");
  EXPECT_EQ(problem(R"([{"Config":"c","Layers":[1]}])"),
            "image 1: \"Layers\" is not a list of strings");
  EXPECT_EQ(problem("{}"), "not a JSON document: the top is not a list");
}

TEST(DockerDocumentsTest, RepositoriesNameLayers) {
  const auto tags = ParseRepositories(R"({"busybox":{"1":")" + kA + R"(","2":")" + kB + R"("}})");
  ASSERT_TRUE(tags) << tags.error().message();
  ASSERT_EQ(tags->size(), 2U);
  EXPECT_EQ((*tags)[0].name, "busybox:1");
  EXPECT_EQ((*tags)[1].id, kB);
  for (const char* text : {R"({"a":"b"})", R"({"a":{"b":"../../x"}})", R"({"a":{"b":1}})", "[]"}) {
    EXPECT_FALSE(ParseRepositories(text)) << text;
  }
}

LegacyLayerPtr Layer(const std::string& text, const std::string& id) {
  Result<LegacyLayer> layer = ParseLegacyLayer(text, id);
  EXPECT_TRUE(layer) << layer.error().message();
  return std::make_shared<const LegacyLayer>(*std::move(layer));
}

TEST(DockerDocumentsTest, AnOldImageGetsAConfigWithItsHistory) {
  const std::vector<LegacyLayerPtr> layers = {
      Layer(
          R"({"id":")" + kA +
              R"(","created":"2014-01-01T00:00:00Z","comment":"from a tar","container_config":{"Cmd":null}})",
          kA),
      Layer(
          R"({"id":")" + kB + R"(","parent":")" + kA +
              R"(","created":"2014-01-02T00:00:00Z","author":"A & B","container_config":{"Cmd":["sh","-c","x >y"]},)"
              R"("docker_version":"1.3.2","config":{"Cmd":["sh"],"Env":null},"architecture":"amd64","os":"linux",)"
              R"("Size":7,"throwaway":true})",
          kB)};
  EXPECT_EQ(layers[1]->parent, kA);
  const Digest one = *Digest::FromHex(std::string(64, '1'));
  const Digest two = *Digest::FromHex(std::string(64, '2'));
  const std::vector<Digest> diff_ids = {one, two};
  const Result<std::string> config = ComposeFromLegacy(layers, diff_ids);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(
      *config,
      R"({"architecture":"amd64","author":"A \u0026 B","config":{"Cmd":["sh"],"Env":null},)"
      R"("container_config":{"Cmd":["sh","-c","x \u003ey"]},"created":"2014-01-02T00:00:00Z",)"
      R"("docker_version":"1.3.2","history":[{"created":"2014-01-01T00:00:00Z","comment":"from a tar"},)"
      R"({"created":"2014-01-02T00:00:00Z","author":"A \u0026 B","created_by":"sh -c x \u003ey"}],"os":"linux",)"
      R"("rootfs":{"type":"layers","diff_ids":[")" +
          one.ToString() + R"(",")" + two.ToString() + R"("]}})");
  const Result<ImageConfig> parsed = ParseImageConfig(*config);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->diff_ids, diff_ids);
  EXPECT_EQ(parsed->history.size(), 2U);
}

TEST(DockerDocumentsTest, AnOldLayerIsWhatItsFolderSays) {
  EXPECT_TRUE(ParseLegacyLayer("{}", kA));
  EXPECT_FALSE(ParseLegacyLayer(R"({"id":")" + kB + "\"}", kA));
  EXPECT_FALSE(ParseLegacyLayer(R"({"parent":"../../x"})", kA));
  EXPECT_FALSE(ParseLegacyLayer(R"({"parent":7})", kA));
}

}  // namespace
}  // namespace veneer
