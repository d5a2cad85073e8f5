// SPDX-License-Identifier: Apache-2.0
#include "tools/build/stage_image.h"

#include <gmock/gmock.h>

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

StageImage Empty() { return *EmptyStageImage({"linux", "amd64", ""}); }

StageImage Step(const StageImage& before, const std::string& text,
                const std::optional<StepResult>& files = std::nullopt) {
  StepChange change{RuntimeOf(before), {}, files};
  change.layer.created = files ? files->created : Timestamp{50, 0};
  change.layer.created_by = text;
  Result<StageImage> after = WithStep(before, change);
  EXPECT_TRUE(after) << after.error().message();
  return *after;
}

StepResult Layer(const std::string& bytes, int64_t created) {
  return {Digest::OfBytes(bytes), bytes.size(), {created, 0}};
}

TEST(StageImageTest, NoBaseHasAWorkingDirectoryAndAPath) {
  const StageImage image = Empty();
  EXPECT_EQ(image.config.working_dir, "/");
  EXPECT_THAT(image.config.env, ElementsAre("PATH=" + std::string(kDefaultPath)));
  EXPECT_THAT(image.config.diff_ids, IsEmpty());
}

TEST(StageImageTest, AStepAddsItsLayerItsHistoryAndItsSize) {
  const StageImage base = Empty();
  const StageImage image = Step(base, "COPY a b", Layer("abc", 100));
  EXPECT_THAT(image.config.diff_ids, ElementsAre(Digest::OfBytes("abc")));
  EXPECT_EQ(image.config.created, (Timestamp{100, 0}));
  EXPECT_EQ(image.size, 3U);
  EXPECT_EQ(image.parent, base.id);
  ASSERT_EQ(image.config.history.size(), 1U);
  EXPECT_EQ(image.config.history[0].created_by, "COPY a b");
  EXPECT_FALSE(image.config.history[0].empty_layer);
  EXPECT_TRUE(image.Record(true).step);
}

TEST(StageImageTest, AStepThatChangesTheConfigAloneKeepsTheTime) {
  const StageImage image = Step(Step(Empty(), "COPY a b", Layer("abc", 100)), "ENV A=b");
  EXPECT_EQ(image.config.created, (Timestamp{100, 0}));
  ASSERT_EQ(image.config.history.size(), 2U);
  EXPECT_TRUE(image.config.history[1].empty_layer);
}

TEST(StageImageTest, AStepThatHistoryDoesNotTellAddsNoItem) {
  EXPECT_THAT(Step(Empty(), "").config.history, IsEmpty());
}

TEST(StageImageTest, LayersWithoutEntriesSayNothing) {
  const std::string nothing(1024, '\0');
  const StageImage image =
      Step(Step(Empty(), "RUN true", Layer(nothing, 1)), "COPY a b", Layer("abc", 2));
  EXPECT_EQ(image.config.diff_ids.size(), 2U);
  EXPECT_THAT(LayersWithFiles(image), ElementsAre(Digest::OfBytes("abc")));
}

TEST(StageImageTest, APathIsAddedOnce) {
  StageImage image = Empty();
  AddPath(&image);
  EXPECT_EQ(image.config.env.size(), 1U);
  image.config.env = {"A=b"};
  image.config.document["config"]["Env"] = Json::array({"A=b"});
  AddPath(&image);
  EXPECT_THAT(image.config.env, ElementsAre("A=b", "PATH=" + std::string(kDefaultPath)));
}

TEST(StageImageTest, LabelsChangeTheIdAndNotTheHistory) {
  const StageImage image = Step(Empty(), "ENV A=b");
  const auto labelled = WithLabels(image, {{"a", "b"}});
  ASSERT_TRUE(labelled);
  EXPECT_NE(labelled->id, image.id);
  EXPECT_EQ(labelled->parent, image.parent);
  EXPECT_EQ(labelled->config.history.size(), 1U);
  EXPECT_EQ(RuntimeOf(*labelled)["Labels"]["a"], "b");
}

}  // namespace
}  // namespace veneer
