// SPDX-License-Identifier: Apache-2.0
#include "tools/oci/documents.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

const std::string kA = "sha256:" + std::string(64, 'a');
const std::string kB = "sha256:" + std::string(64, 'b');
constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";

std::string Descriptor(const std::string& more = "") {
  return R"({"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":")" + kA +
         R"(","size":12)" + more + "}";
}

std::string ManifestText(const std::string& layers, const std::string& more = "") {
  return R"({"schemaVersion":2,"config":{"digest":")" + kB + R"(","size":3},"layers":[)" + layers +
         "]" + more + "}";
}

std::string IndexText(const std::string& manifests) {
  return R"({"schemaVersion":2,"manifests":[)" + manifests + "]}";
}

std::string Problem(const std::string& text, const std::string& media_type = "") {
  const Result<ImageDocument> document = ParseImageDocument(text, media_type);
  return document ? "" : document.error().message();
}

TEST(OciDocumentsTest, AManifestHasAConfigAndLayers) {
  const Result<ImageDocument> document =
      ParseImageDocument(ManifestText(Descriptor() + "," + Descriptor()), kManifestType);
  ASSERT_TRUE(document) << document.error().message();
  const auto& manifest = std::get<ImageManifest>(*document);
  EXPECT_EQ(manifest.config.digest.ToString(), kB);
  EXPECT_EQ(manifest.config.size, 3U);
  ASSERT_EQ(manifest.layers.size(), 2U);
  EXPECT_EQ(manifest.layers[0].media_type, "application/vnd.oci.image.layer.v1.tar");
}

TEST(OciDocumentsTest, AnIndexHasPlatformsAndNames) {
  const Result<ImageDocument> document = ParseImageDocument(
      IndexText(
          Descriptor(
              R"(,"platform":{"os":"linux","architecture":"arm64","variant":"v8","os.version":"1"},)"
              R"("annotations":{"org.opencontainers.image.ref.name":"x","io.containerd.image.name":"y/x"})") +
          "," + Descriptor(R"(,"platform":{"os":"unknown","architecture":"unknown"})") + "," +
          Descriptor(R"(,"annotations":{"vnd.docker.reference.type":"attestation-manifest"})")),
      kIndexType);
  ASSERT_TRUE(document) << document.error().message();
  const auto& index = std::get<ImageIndex>(*document);
  ASSERT_EQ(index.manifests.size(), 3U);
  EXPECT_EQ(index.manifests[0].platform, (Platform{"linux", "arm64", "v8"}));
  EXPECT_EQ(index.manifests[0].ref_name, "x");
  EXPECT_EQ(index.manifests[0].image_name, "y/x");
  EXPECT_FALSE(index.manifests[0].attestation);
  EXPECT_TRUE(index.manifests[1].attestation);
  EXPECT_TRUE(index.manifests[2].attestation);
}

TEST(OciDocumentsTest, ADocumentIsOneThingAndWhatItsMediaTypeSays) {
  EXPECT_NE(Problem(ManifestText("", R"(,"manifests":[])")).find("both a manifest"),
            std::string::npos);
  EXPECT_NE(Problem(ManifestText("", R"(,"manifests":null)")).find("both a manifest"),
            std::string::npos);
  EXPECT_NE(Problem("{}").find("neither"), std::string::npos);
  EXPECT_NE(Problem(ManifestText(""), kIndexType).find("but it is a manifest"), std::string::npos);
  EXPECT_NE(Problem(IndexText(""), kManifestType).find("but it is an index"), std::string::npos);
  EXPECT_NE(Problem(ManifestText("", R"(,"mediaType":")" + std::string(kIndexType) + "\""))
                .find("but it is a manifest"),
            std::string::npos);
  EXPECT_NE(Problem(R"({"schemaVersion":1,"layers":[]})").find("schemaVersion"), std::string::npos);
}

TEST(OciDocumentsTest, ErrorsNameTheField) {
  const auto layer = [](const std::string& text) { return Problem(ManifestText(text)); };
  EXPECT_EQ(layer("{}"), "\"layers\", item 1: \"digest\" is missing");
  EXPECT_EQ(layer("7"), "\"layers\", item 1: not an object");
  EXPECT_EQ(layer(Descriptor() + R"(,{"digest":")" + kA + R"(","size":-1})"),
            "\"layers\", item 2: \"size\" is not a number of bytes: -1");
  EXPECT_EQ(layer(R"({"digest":")" + kA + R"("})"), "\"layers\", item 1: \"size\" is missing");
  EXPECT_EQ(layer(R"({"digest":")" + kA + R"(","size":1.5})"),
            "\"layers\", item 1: \"size\" is not a number of bytes: 1.5");
  EXPECT_EQ(layer(R"({"digest":")" + kA + R"(","size":18446744073709551615})"),
            "\"layers\", item 1: \"size\" is impossible: 18446744073709551615");
  EXPECT_EQ(layer(R"({"digest":"sha256:../../x","size":1})"),
            "\"layers\", item 1: \"digest\" is not sha256: and 64 lower-case hex digits: "
            "\"sha256:../../x\"");
  EXPECT_EQ(Problem(R"({"layers":[]})"), "\"config\" is missing");
  EXPECT_EQ(Problem(R"({"layers":{},"config":{"digest":")" + kA + R"(","size":1}})"),
            "\"layers\" is not a list");
}

TEST(OciDocumentsTest, TheLayoutsVersionIsKnown) {
  EXPECT_TRUE(CheckImageLayout(R"({"imageLayoutVersion":"1.0.0"})"));
  EXPECT_TRUE(CheckImageLayout(R"({"imageLayoutVersion":"1.1.0","x":1})"));
  EXPECT_FALSE(CheckImageLayout("{}"));
  EXPECT_FALSE(CheckImageLayout(R"({"imageLayoutVersion":"2.0.0"})"));
  EXPECT_FALSE(CheckImageLayout(""));
}

TEST(OciDocumentsTest, MediaTypesOfLayers) {
  for (const char* type :
       {"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}) {
    EXPECT_TRUE(IsLayerMediaType(type)) << type;
  }
  for (const char* type : {"", "application/json", "application/vnd.oci.image.layer.v1.tar+lz4",
                           "application/vnd.oci.image.config.v1+json"}) {
    EXPECT_FALSE(IsLayerMediaType(type)) << type;
  }
}

}  // namespace
}  // namespace veneer
