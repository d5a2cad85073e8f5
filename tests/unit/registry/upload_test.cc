// SPDX-License-Identifier: Apache-2.0
//
// What a push is made of, without a registry; tests/registry/test_push.py has real ones.
#include <gtest/gtest.h>

#include "tools/registry/blob_upload.h"
#include "tools/registry/chunk_stream.h"
#include "tools/registry/push_plan.h"

namespace veneer {
namespace {

TEST(BytesOfRange, ReadsTheLastByteOfARangeFromTheStart) {
  EXPECT_EQ(BytesOfRange("0-9"), 10u);
  EXPECT_EQ(BytesOfRange("bytes=0-9"), 10u);
  EXPECT_EQ(BytesOfRange("0-0"), 1u);
  for (const char* text :
       {"", "0-", "1-9", "9", "0--1", "0-x", "0-9 ", "0-18446744073709551615", "bytes=", "-0"}) {
    EXPECT_EQ(BytesOfRange(text), std::nullopt) << text;
  }
}

TEST(ChunkStream, CutsUpWhatIsWrittenAndHashesIt) {
  const WriteBlob write = [](const BlobSink& sink) -> Result<void> {
    for (const char* text : {"ab", "", "cdefgh", "i"}) {
      if (Result<void> taken = sink(text); !taken) return taken;
    }
    return {};
  };
  ChunkStream stream(write, 4);
  EXPECT_EQ(stream.Next(), "abcd");
  EXPECT_EQ(stream.Next(), "efgh");
  EXPECT_EQ(stream.Next(), "i");
  EXPECT_EQ(stream.Next(), std::nullopt);
  const Result<StreamedBlob> blob = stream.Finish();
  ASSERT_TRUE(blob) << blob.error().message();
  EXPECT_EQ(blob->size, 9u);
  EXPECT_EQ(blob->digest, Digest::OfBytes("abcdefghi"));
}

TEST(ChunkStream, OfNothingHasNoChunk) {
  const WriteBlob write = [](const BlobSink&) -> Result<void> { return {}; };
  ChunkStream stream(write, 4);
  EXPECT_EQ(stream.Next(), std::nullopt);
  EXPECT_EQ(stream.Finish()->digest, Digest::OfBytes(""));
}

TEST(ChunkStream, GivesTheErrorOfItsWriter) {
  const WriteBlob write = [](const BlobSink& sink) -> Result<void> {
    if (Result<void> taken = sink("abcdef"); !taken) return taken;
    return MakeError("damaged");
  };
  ChunkStream stream(write, 4);
  EXPECT_EQ(stream.Next(), "abcd");
  EXPECT_EQ(stream.Next(), std::nullopt);
  const Result<StreamedBlob> blob = stream.Finish();
  ASSERT_FALSE(blob);
  EXPECT_EQ(blob.error().message(), "damaged");
}

TEST(ChunkStream, EndsWhenNobodyReadsOn) {
  Result<void> last;
  const WriteBlob write = [&](const BlobSink& sink) -> Result<void> {
    while (last) last = sink("abcd");
    return last;
  };
  {
    ChunkStream stream(write, 4);
    EXPECT_EQ(stream.Next(), "abcd");
  }
  EXPECT_FALSE(last);
}

class PushedManifest : public testing::Test {
 protected:
  static Descriptor Blob(char digit, const char* type) {
    return {type, *Digest::FromHex(std::string(64, digit)), 5};
  }
  static OriginalManifest Original(std::string bytes) {
    const Result<ImageDocument> document = ParseImageDocument(bytes, "");
    EXPECT_TRUE(document);
    return {std::move(bytes), std::get<ImageManifest>(*document)};
  }
  static ImageToPush Image() {
    const Digest id = Digest::OfBytes("{}");
    return {{id, {id}, id, {}, 0, {}}, "{}", {}, {}};
  }

  const std::string docker_ =
      R"({"schemaVersion": 2, "mediaType":"application/vnd.docker.distribution.manifest.v2+json",)"
      R"("config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":2,"digest":)"
      R"("sha256:)" +
      Digest::OfBytes("{}").hex() +
      R"("},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":5,)"
      R"("digest":"sha256:)" +
      std::string(64, 'a') + R"("}]})";
};

TEST_F(PushedManifest, LayersAsTheyCameIsTheOriginalToTheByte) {
  ImageToPush image = Image();
  image.originals.push_back(Original(docker_));
  EXPECT_EQ(ManifestFor(image, {Blob('a', "application/vnd.oci.image.layer.v1.tar+gzip")}),
            docker_);
}

TEST_F(PushedManifest, OtherLayersKeepItsForm) {
  ImageToPush image = Image();
  image.originals.push_back(Original(docker_));
  const std::string text =
      ManifestFor(image, {Blob('b', "application/vnd.oci.image.layer.v1.tar+gzip")});
  EXPECT_NE(text.find(R"("mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip",)"
                      R"("size":5,"digest":"sha256:)" +
                      std::string(64, 'b')),
            std::string::npos)
      << text;
}

TEST_F(PushedManifest, DockersFormHasNoZstd) {
  ImageToPush image = Image();
  image.originals.push_back(Original(docker_));
  const std::string text =
      ManifestFor(image, {Blob('b', "application/vnd.oci.image.layer.v1.tar+zstd")});
  EXPECT_EQ(text.find("docker"), std::string::npos) << text;
  EXPECT_NE(text.find(kOciManifestType), std::string::npos) << text;
}

}  // namespace
}  // namespace veneer
