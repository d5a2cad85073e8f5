// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/layer_blobs.h"

#include "layerdb/catalog/records.h"
#include "layerdb/index/kv.h"
#include "layerdb/store/prune.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LayerBlobsTest : public StoreTest {
 protected:
  std::vector<LayerBlob> Find(const Digest& diff_id) {
    return Must(store_->layer_blobs().Find(diff_id));
  }
  void Learn(const Digest& diff_id, LayerBlob blob) {
    ASSERT_TRUE(store_->layer_blobs().Learn({{diff_id, std::move(blob)}}));
  }

  const Digest layer_ = Digest::OfBytes("layer");
  const Digest one_ = Digest::OfBytes("one");
  const Digest two_ = Digest::OfBytes("two");
};

TEST_F(LayerBlobsTest, AreFoundTheLastOneFirst) {
  EXPECT_THAT(Find(layer_), IsEmpty());
  Learn(layer_, {one_, 10, "type+gzip", {}, {"host/a"}});
  Learn(layer_, {two_, uint64_t{1} << 40, "type+zstd", "zstd:3", {"host/b"}});
  const std::vector<LayerBlob> blobs = Find(layer_);
  ASSERT_EQ(blobs.size(), 2u);
  EXPECT_EQ(blobs[0].digest, two_);
  EXPECT_EQ(blobs[0].size, uint64_t{1} << 40);
  EXPECT_EQ(blobs[0].media_type, "type+zstd");
  EXPECT_EQ(blobs[0].compression, "zstd:3");
  EXPECT_THAT(blobs[0].repositories, ElementsAre("host/b"));
  EXPECT_EQ(blobs[1].compression, "");
}

TEST_F(LayerBlobsTest, RepositoriesOfABlobAdd) {
  Learn(layer_, {one_, 10, "type", {}, {"host/a"}});
  Learn(layer_, {one_, 10, "type", {}, {"host/b"}});
  Learn(layer_, {one_, 10, "type", {}, {"host/a"}});
  ASSERT_EQ(Find(layer_).size(), 1u);
  EXPECT_THAT(Find(layer_)[0].repositories, ElementsAre("host/a", "host/b"));
}

TEST_F(LayerBlobsTest, WhatIsMadeInOneWayIsOneBlob) {
  Learn(layer_, {one_, 10, "type", "gzip", {"host/a"}});
  Learn(layer_, {two_, 11, "type", "gzip", {"host/b"}});
  ASSERT_EQ(Find(layer_).size(), 1u);
  EXPECT_EQ(Find(layer_)[0].digest, two_);
  EXPECT_THAT(Find(layer_)[0].repositories, ElementsAre("host/b"));
}

TEST_F(LayerBlobsTest, TheirNumberIsLimited) {
  for (int i = 0; i < 30; ++i) {
    Learn(layer_, {Digest::OfBytes(std::to_string(i)), 1, "type", {}, {"host/a"}});
    Learn(layer_, {one_, 1, "type", {}, {"host/" + std::to_string(i)}});
  }
  EXPECT_EQ(Find(layer_).size(), LayerBlobs::kMaxBlobs);
  EXPECT_EQ(Find(layer_)[0].repositories.size(), LayerBlobs::kMaxRepositories);
  EXPECT_EQ(Find(layer_)[0].repositories[0], "host/29");
}

TEST_F(LayerBlobsTest, ADamagedRecordIsNone) {
  ASSERT_TRUE(store_->catalog().Write(
      [&](KvTxn& txn) { return txn.Put(LayerBlobsKey(layer_), "damaged"); }));
  EXPECT_THAT(Find(layer_), IsEmpty());
  Learn(layer_, {one_, 10, "type", {}, {"host/a"}});
  EXPECT_EQ(Find(layer_).size(), 1u);
}

TEST_F(LayerBlobsTest, GoWithTheLayer) {
  const ImageRecord image = PutImage("one", {"a:1"});
  const Digest layer = image.diff_ids.at(0);
  Learn(layer, {one_, 10, "type", {}, {"host/a"}});
  Learn(layer_, {one_, 10, "type", {}, {"host/a"}});
  PruneOptions trial;
  trial.dry_run = true;
  ASSERT_TRUE(Prune(*store_, trial));
  EXPECT_EQ(Find(layer_).size(), 1u);
  ASSERT_TRUE(Prune(*store_, {}));
  EXPECT_THAT(Find(layer_), IsEmpty());
  EXPECT_EQ(Find(layer).size(), 1u);
  ASSERT_TRUE(store_->images().Remove("a:1", {}));
  EXPECT_THAT(Find(layer), IsEmpty());
}

TEST_F(LayerBlobsTest, AnImageThatWasPushedHasItsNameByDigestFirst) {
  const ImageRecord image = PutImage("one", {"a:1"});
  const std::string first = "a@" + one_.ToString();
  const std::string second = "b@" + one_.ToString();
  for (const std::string& name : {first, second, first}) {
    ASSERT_TRUE(store_->images().AddRepoDigest(image.id, name));
  }
  EXPECT_THAT(Must(store_->images().Find("a:1")).image.repo_digests, ElementsAre(first, second));
  EXPECT_TRUE(store_->images().AddRepoDigest(two_, first)) << "gone meanwhile";
}

}  // namespace
}  // namespace veneer
