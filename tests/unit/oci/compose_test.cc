// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/compose.h"

#include <gtest/gtest.h>

#include "tools/format/json.h"

namespace veneer {
namespace {

const std::string kHexA(64, 'a');
const std::string kHexB(64, 'b');
const Digest kA = *Digest::FromHex(kHexA);
const Digest kB = *Digest::FromHex(kHexB);

TEST(OciComposeTest, AManifestNamesConfigAndLayersInOrder) {
  const std::vector<Descriptor> layers = {{std::string(kOciLayerType) + "+gzip", kB, 9},
                                          {kOciLayerType, kA, uint64_t{1} << 33}};
  EXPECT_EQ(
      ComposeManifest({kOciConfigType, kA, 7}, layers),
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
      R"("config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:)" +
          kHexA +
          R"(","size":7},"layers":[)"
          R"({"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:)" +
          kHexB +
          R"(","size":9},)"
          R"({"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:)" +
          kHexA + R"(","size":8589934592}]})");
}

TEST(OciComposeTest, OtherLayersInAManifestLeaveTheRestAlone) {
  const std::string original =
      R"({"schemaVersion":2,"artifactType":"x/y","config":{"digest":"c"},"layers":[)"
      R"({"mediaType":"z","digest":"sha256:)" +
      kHexA +
      R"(","size":1,"annotations":{"note":"same bytes","io.github.containers.zstd-chunked.x":"1"}},)"
      R"({"mediaType":"z","digest":"sha256:)" +
      kHexA +
      R"(","size":1,"annotations":{"note":"others","io.github.containers.zstd-chunked.x":"1"}}],)"
      R"("annotations":{"a":"b"}})";
  const Descriptor same{"z", kA, 1};
  const Descriptor other{std::string(kOciLayerType) + "+gzip", kB, 7};
  EXPECT_EQ(
      ComposeManifestLike(original, {same, other}),
      R"({"schemaVersion":2,"artifactType":"x/y","config":{"digest":"c"},"layers":[)"
      R"({"mediaType":"z","digest":"sha256:)" +
          kHexA +
          R"(","size":1,"annotations":{"note":"same bytes","io.github.containers.zstd-chunked.x":"1"}},)"
          R"({"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:)" +
          kHexB + R"(","size":7,"annotations":{"note":"others"}}],"annotations":{"a":"b"}})");
  EXPECT_EQ(ManifestTypeOf(original), kOciManifestType);
}

TEST(OciComposeTest, AnIndexHasOneEntryForEachName) {
  const Descriptor manifest{kOciManifestType, kA, 5};
  const Result<Json> index =
      ParseJson(ComposeIndex({{manifest, {"debian:12", "localhost:5000/d:stable"}}}));
  ASSERT_TRUE(index) << index.error().message();
  EXPECT_EQ((*index)["mediaType"], kOciIndexType);
  const Json& list = (*index)["manifests"];
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["annotations"]["io.containerd.image.name"], "docker.io/library/debian:12");
  EXPECT_EQ(list[0]["annotations"]["org.opencontainers.image.ref.name"], "12");
  EXPECT_EQ(list[1]["annotations"]["io.containerd.image.name"], "localhost:5000/d:stable");
  EXPECT_EQ(list[1]["annotations"]["org.opencontainers.image.ref.name"], "stable");
  EXPECT_EQ(list[1]["digest"], "sha256:" + kHexA);
  EXPECT_EQ(list[1]["size"], 5);
}

TEST(OciComposeTest, AnnotationsAreInTheManifestAndBesideTheNames) {
  const Descriptor blob{kOciManifestType, kA, 5};
  const Result<Json> manifest = ParseJson(ComposeManifest(blob, {}, {{"a", "1"}}));
  ASSERT_TRUE(manifest);
  EXPECT_EQ((*manifest)["annotations"], Json({{"a", "1"}}));
  const Result<Json> index =
      ParseJson(ComposeIndex({{blob, {"d:12"}, {{"b", "2"}}}, {blob, {}, {{"c", "3"}}}}));
  ASSERT_TRUE(index);
  EXPECT_EQ((*index)["manifests"][0]["annotations"]["b"], "2");
  EXPECT_EQ((*index)["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "12");
  EXPECT_EQ((*index)["manifests"][1]["annotations"], Json({{"c", "3"}}));
}

TEST(OciComposeTest, WhereATagAloneIsNoChoiceTheNameIsWithIt) {
  const Result<Json> index = ParseJson(ComposeIndex({{{kOciManifestType, kA, 1}, {"a:latest"}},
                                                     {{kOciManifestType, kB, 1}, {"b/c:latest"}},
                                                     {{kOciManifestType, kB, 1}, {"b/c:1"}}}));
  ASSERT_TRUE(index);
  const auto name = [&](size_t number) {
    return (*index)["manifests"][number]["annotations"]["org.opencontainers.image.ref.name"];
  };
  EXPECT_EQ(name(0), "a:latest");
  EXPECT_EQ(name(1), "b/c:latest");
  EXPECT_EQ(name(2), "1");
}

TEST(OciComposeTest, AnImageWithoutANameHasNoAnnotations) {
  const Result<Json> index = ParseJson(ComposeIndex({{{kOciManifestType, kA, 1}, {}}}));
  ASSERT_TRUE(index);
  ASSERT_EQ((*index)["manifests"].size(), 1u);
  EXPECT_FALSE((*index)["manifests"][0].contains("annotations"));
  EXPECT_EQ(ComposeOciLayout(), R"({"imageLayoutVersion":"1.0.0"})");
}

TEST(DockerComposeTest, TheManifestListsEveryImageWithItsNames) {
  EXPECT_EQ(ComposeDockerManifest(
                {{"a.json", {"x:1", "x:2"}, {"l1.tar", "l2.tar"}}, {"b.json", {}, {"l1.tar"}}}),
            R"([{"Config":"a.json","RepoTags":["x:1","x:2"],"Layers":["l1.tar","l2.tar"]},)"
            R"({"Config":"b.json","RepoTags":null,"Layers":["l1.tar"]}])");
}

TEST(DockerComposeTest, RepositoriesGoFromNameToTagToLayer) {
  EXPECT_EQ(ComposeRepositories({{"x:1", kHexA}, {"h:5000/y:1", kHexB}, {"x:2", kHexB}}),
            R"({"x":{"1":")" + kHexA + R"(","2":")" + kHexB + R"("},"h:5000/y":{"1":")" + kHexB +
                R"("}})");
}

}  // namespace
}  // namespace veneer
