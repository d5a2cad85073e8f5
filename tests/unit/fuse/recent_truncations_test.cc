// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/recent_truncations.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

using Clock = RecentTruncations::Clock;

TEST(RecentTruncationsTest, OnlyTheMomentAfterATruncationOfThatFileIsWaitedFor) {
  RecentTruncations recent;
  const Clock::time_point now = Clock::now();
  EXPECT_EQ(recent.Wait(7, 2, now).count(), 0);
  recent.Begin(7, 1);
  EXPECT_GT(recent.Wait(7, 2, now + std::chrono::hours(1)).count(), 0) << "it is served still";
  recent.End(7, now);
  EXPECT_EQ(recent.Wait(7, 2, now), RecentTruncations::kMoment);
  EXPECT_EQ(recent.Wait(7, 2, now + RecentTruncations::kMoment).count(), 0);
  EXPECT_EQ(recent.Wait(8, 2, now).count(), 0);
  EXPECT_EQ(recent.Wait(7 + 256, 2, now).count(), 0) << "another node in the same place";
}

TEST(RecentTruncationsTest, NobodyWaitsOnceTheNewSizeIsInPlace) {
  RecentTruncations recent;
  const Clock::time_point now = Clock::now();
  recent.Begin(7, 1);
  recent.End(7, now);
  EXPECT_EQ(recent.Wait(7, 1, now).count(), 0) << "who has truncated it reads it";
  EXPECT_GT(recent.Wait(7, 0, now).count(), 0) << "not known who reads";
  recent.Settled(7 + 256);
  EXPECT_GT(recent.Wait(7, 2, now).count(), 0) << "another node was written";
  recent.Settled(7);
  EXPECT_EQ(recent.Wait(7, 2, now).count(), 0);
  recent.Begin(7, 0);
  recent.End(7, now);
  EXPECT_GT(recent.Wait(7, 0, now).count(), 0) << "two threads that are not known may be two";
}

}  // namespace
}  // namespace veneer
