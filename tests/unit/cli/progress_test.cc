// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/progress.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace veneer {
namespace {

TEST(ProgressLineTest, ShowsBytesRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine(45'000'000, 90'000'000, 1.5, 200),
            "45MB / 90MB  [============>           ]  50%  30MB/s  2s left");
  EXPECT_EQ(ProgressLine(90, 90, 1, 200), "90B / 90B  [========================]  100%  90B/s");
  EXPECT_EQ(ProgressLine(1000, 601'000, 1, 200),
            "1kB / 601kB  [>                       ]  0%  1kB/s  10m0s left");
  EXPECT_EQ(ProgressLine(1000, 8'000'000, 1, 200),
            "1kB / 8MB  [>                       ]  0%  1kB/s  2h13m left");
}

TEST(ProgressLineTest, HasNoBarInALog) {
  EXPECT_EQ(PlainProgressLine(45'000'000, 90'000'000, 1.5), "45MB / 90MB  50%  30MB/s  2s left");
}

TEST(ProgressTest, TellsALogTheEndOnce) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress(ProgressMode::kPlain);
    progress.Update(1, 5000);
    progress.Update(5000, 5000);
    progress.Update(5000, 5000);
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.rfind("5kB / 5kB  100%", 0), 0u) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
}

TEST(ProgressLineTest, WithoutATotalShowsWhatIsKnown) {
  EXPECT_EQ(ProgressLine(2000, 0, 2, 200), "2kB  1kB/s");
  EXPECT_EQ(ProgressLine(0, 0, 0, 200), "0B");
}

TEST(ProgressLineTest, IsNeverWiderThanTheTerminal) {
  EXPECT_EQ(ProgressLine(45'000'000, 90'000'000, 1.5, 10).size(), 10u);
}

TEST(ProgressLineTest, InANarrowTerminalTheBarGoesBeforePerCentAndRate) {
  EXPECT_EQ(ProgressLine(45'000'000, 90'000'000, 1.5, 39), "45MB / 90MB  50%  30MB/s  2s left");
  EXPECT_EQ(ProgressLine(45'000'000, 90'000'000, 1.5, 30), "45MB / 90MB  50%  30MB/s");
}

TEST(ProgressModeTest, KnowsItsWords) {
  EXPECT_EQ(ProgressModeOf("plain"), ProgressMode::kPlain);
  EXPECT_EQ(ProgressModeOf("none"), ProgressMode::kNone);
  EXPECT_NE(ProgressModeOf("auto"), ProgressMode::kPlain);
}

}  // namespace
}  // namespace veneer
