// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/step_results.h"

#include <filesystem>

#include "layerdb/store/prune.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

class StepResultsTest : public StoreTest {
 protected:
  // An image of one layer, which a step of this key made.
  ImageRecord Record(const Digest& key, bool step) {
    const auto writer = Must(store_->Begin());
    const Digest diff_id = PutLayer(*writer, "layer", {{"file", "contents"}});
    const Digest id = Must(writer->PutBlob("config"));
    ImageRecord image{id, {diff_id}, ChainId(std::nullopt, diff_id), {2000, 0}, 8, {}};
    image.step = step;
    const NewImage made{image, {}};
    const KeyedStepResult result{key, {diff_id, 8, {2000, 5}}};
    EXPECT_TRUE(store_->images().PutAll(std::span(&made, 1), std::span(&result, 1)));
    return image;
  }
  const Digest key_ = Digest::OfBytes("key");
};

TEST_F(StepResultsTest, AStepIsKnownByItsKeyAlone) {
  EXPECT_EQ(Must(store_->step_results().Find(key_)), std::nullopt);
  const ImageRecord image = Record(key_, true);
  const auto found = Must(store_->step_results().Find(key_));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->diff_id, image.diff_ids[0]);
  EXPECT_EQ(found->content_bytes, 8U);
  EXPECT_EQ(found->created, (Timestamp{2000, 5}));
  EXPECT_EQ(Must(store_->step_results().Find(Digest::OfBytes("other"))), std::nullopt);
  EXPECT_EQ(Must(store_->step_results().List()).size(), 1U);
}

TEST_F(StepResultsTest, AStepWhoseLayerIsGoneIsNotKnown) {
  const ImageRecord image = Record(key_, true);
  std::filesystem::remove_all(store_->layout().layer(image.diff_ids[0]));
  EXPECT_EQ(Must(store_->step_results().Find(key_)), std::nullopt);
}

TEST_F(StepResultsTest, PruneForgetsStepsOfLayersThatNoImageHas) {
  const ImageRecord image = Record(key_, true);
  ASSERT_TRUE(store_->images().Remove(image.id.ToString(), {}));
  ASSERT_TRUE(Prune(*store_, {}));
  EXPECT_TRUE(Must(store_->step_results().List()).empty());
}

TEST_F(StepResultsTest, ClearForgetsAll) {
  Record(key_, true);
  ASSERT_TRUE(store_->step_results().Clear());
  EXPECT_EQ(Must(store_->step_results().Find(key_)), std::nullopt);
}

TEST_F(StepResultsTest, AnImageThatSomebodyAskedForIsNoStepAnyMore) {
  ImageRecord image = Record(key_, true);
  EXPECT_TRUE(Must(store_->images().List())[0].image.step);
  image.step = false;
  ASSERT_TRUE(store_->images().Put(image, {}));
  image.step = true;
  ASSERT_TRUE(store_->images().Put(image, {}));
  EXPECT_FALSE(Must(store_->images().List())[0].image.step);
}

}  // namespace
}  // namespace veneer
