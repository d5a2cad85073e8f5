// SPDX-License-Identifier: Apache-2.0
#include "tools/build/stage_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<StagePlan> Plan(std::string_view text, const StagePlanOptions& options = {}) {
  VENEER_TRY(const Dockerfile dockerfile, ParseDockerfile(text));
  return PlanStages(dockerfile, options);
}

std::string ErrorOf(std::string_view text, const StagePlanOptions& options = {}) {
  const auto plan = Plan(text, options);
  return plan ? "" : plan.error().message();
}

TEST(StagePlanTest, AStageThatNothingNeedsIsNotBuilt) {
  const auto plan = Plan(
      "FROM debian AS build\nRUN make\n"
      "FROM debian AS test\nRUN make test\n"
      "FROM scratch\nCOPY --from=build /x /\n");
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_THAT(plan->needed, ElementsAre(0, 2));
  EXPECT_THAT(plan->stages[2].stages, ElementsAre(0));
  EXPECT_THAT(plan->stages[2].images, ElementsAre());
  EXPECT_THAT(plan->stages[0].images, ElementsAre("debian"));
}

TEST(StagePlanTest, ABaseMayBeAStageOfAnyCase) {
  const auto plan = Plan("FROM debian AS Base\nFROM BASE\n");
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->stages[1].base_stage, 0U);
}

TEST(StagePlanTest, ArgumentsBeforeFromHaveTheirDefaultsOrWhatIsGiven) {
  StagePlanOptions options;
  options.build_args = {{"TAG", "13"}};
  options.predefined = {{"BUILDPLATFORM", "linux/amd64"}};
  const auto plan =
      Plan("ARG TAG=12\nARG NAME=debian\nARG ALL=$NAME:$TAG\nFROM --platform=$BUILDPLATFORM $ALL\n",
           options);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->stages[0].base, "debian:13");
  EXPECT_EQ(plan->stages[0].platform, "linux/amd64");
}

TEST(StagePlanTest, AnEmptyBaseIsAnErrorThatSaysWhatToDo) {
  EXPECT_THAT(ErrorOf("ARG NAME\nFROM $NAME\n"),
              testing::AllOf(HasSubstr("line 2: "), HasSubstr("a default in an ARG before FROM")));
}

TEST(StagePlanTest, StagesAreTakenFromByNumberAndNameAndImagesByTheRest) {
  const auto plan = Plan(
      "FROM a AS one\nFROM b\nFROM c\n"
      "COPY --from=0 /x /\nCOPY --from=1 /x /\nCOPY --from=busybox:1 /x /\n"
      "RUN --mount=type=bind,from=ONE,target=/m true\n");
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_THAT(plan->stages[2].stages, ElementsAre(0, 1));
  EXPECT_THAT(plan->stages[2].images, ElementsAre("busybox:1", "c"));
}

TEST(StagePlanTest, AContextOfThatNameGoesBeforeAnImage) {
  StagePlanOptions options;
  options.contexts = {"data"};
  const auto plan = Plan("FROM a\nCOPY --from=data /x /\n", options);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_THAT(plan->stages[0].images, ElementsAre("a"));
}

TEST(StagePlanTest, NeedsThatCannotBeMetAreErrorsWithTheirLine) {
  EXPECT_THAT(ErrorOf("FROM a AS x\nCOPY --from=1 /f /\nFROM b\nFROM x\n"),
              HasSubstr("line 2: COPY: stage 1 is not before this one"));
  EXPECT_THAT(ErrorOf("FROM a AS p\nCOPY --from=p /f /\n"),
              HasSubstr("line 2: COPY: stage p takes from itself"));
  EXPECT_THAT(ErrorOf("FROM a AS p\nCOPY --from=q /f /\nFROM b AS q\nCOPY --from=p /f /\n"),
              HasSubstr("needs a stage that needs it"));
}

TEST(StagePlanTest, OfStagesOfOneNameTheLastCounts) {
  const auto plan = Plan("FROM a AS s\nFROM b AS s\nFROM c\nCOPY --from=s /f /\n");
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_THAT(plan->stages[2].stages, ElementsAre(1));
}

TEST(StagePlanTest, TheTargetIsAStageByNameAndNotByNumber) {
  StagePlanOptions options;
  options.target = "BUILD";
  const std::string text = "FROM a AS build\nFROM b\n";
  const auto plan = Plan(text, options);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->target, 0U);
  EXPECT_THAT(plan->needed, ElementsAre(0));
  options.target = "0";
  EXPECT_EQ(ErrorOf(text, options), "no stage is named 0; there are build");
}

TEST(StagePlanTest, AChainOfStagesMayBeLong) {
  std::string text = "FROM scratch AS s0\n";
  for (int i = 1; i < 5000; ++i) {
    text += "FROM s" + std::to_string(i - 1) + " AS s" + std::to_string(i) + "\n";
  }
  const auto plan = Plan(text);
  ASSERT_TRUE(plan) << plan.error().message();
  EXPECT_EQ(plan->needed.size(), 5000U);
}

}  // namespace
}  // namespace veneer
