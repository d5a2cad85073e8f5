// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/recent_truncations.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

using Clock = RecentTruncations::Clock;

TEST(RecentTruncationsTest, OnlyTheMomentAfterATruncationOfThatFileIsWaitedFor) {
  RecentTruncations recent;
  const Clock::time_point now = Clock::now();
  EXPECT_EQ(recent.Wait(7, now).count(), 0);
  recent.Begin(7);
  EXPECT_GT(recent.Wait(7, now + std::chrono::hours(1)).count(), 0) << "it is served still";
  recent.End(7, now);
  EXPECT_EQ(recent.Wait(7, now), RecentTruncations::kMoment);
  EXPECT_EQ(recent.Wait(7, now + RecentTruncations::kMoment).count(), 0);
  EXPECT_EQ(recent.Wait(8, now).count(), 0);
  EXPECT_EQ(recent.Wait(7 + 256, now).count(), 0) << "another node in the same place";
}

}  // namespace
}  // namespace veneer
