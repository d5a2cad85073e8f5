// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/layer_rules.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

// Every pair of what a layer may say and what may be below.
TEST(Merge, DecidesEveryCase) {
  using enum NameKind;
  struct Case {
    NameKind above;
    NameKind below;
    MergeStep step;
  };
  constexpr Case kCases[] = {
      {kNothing, kNothing, MergeStep::kKeep},
      {kNothing, kOther, MergeStep::kKeep},
      {kNothing, kDirectory, MergeStep::kKeep},
      {kWhiteout, kNothing, MergeStep::kKeep},
      {kWhiteout, kOther, MergeStep::kRemove},
      {kWhiteout, kDirectory, MergeStep::kRemove},
      {kOther, kNothing, MergeStep::kReplace},
      {kOther, kOther, MergeStep::kReplace},
      {kOther, kDirectory, MergeStep::kReplace},
      {kDirectory, kNothing, MergeStep::kReplace},
      {kDirectory, kOther, MergeStep::kReplace},
      {kDirectory, kDirectory, MergeStep::kMerge},
      {kOpaqueDirectory, kNothing, MergeStep::kReplace},
      {kOpaqueDirectory, kOther, MergeStep::kReplace},
      {kOpaqueDirectory, kDirectory, MergeStep::kReplace},
  };
  for (const Case& each : kCases) {
    EXPECT_EQ(DecideMerge(each.above, each.below), each.step)
        << static_cast<int>(each.above) << " over " << static_cast<int>(each.below);
  }
}

TEST(DiffTest, DecidesByWhatIsBelowAndAbove) {
  EXPECT_EQ(DecideDiff(std::nullopt, FileType::kRegular), DiffKind::kAdded);
  EXPECT_EQ(DecideDiff(FileType::kRegular, std::nullopt), DiffKind::kDeleted);
  EXPECT_EQ(DecideDiff(FileType::kDirectory, FileType::kRegular), DiffKind::kChanged);
  EXPECT_EQ(DecideDiff(std::nullopt, std::nullopt), std::nullopt);
}

TEST(DiffTest, OrdersPathsAsAWalkDoes) {
  EXPECT_TRUE(DiffPathLess("/a", "/a/b"));
  EXPECT_TRUE(DiffPathLess("/a/b", "/a-b"));
  EXPECT_TRUE(DiffPathLess("/a/b", "/a\x01"));
  EXPECT_FALSE(DiffPathLess("/b", "/a"));
}

}  // namespace
}  // namespace veneer
