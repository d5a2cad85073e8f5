// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/statistics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace veneer {
namespace {

TEST(StatisticsTest, PercentilesAreRightWithinAFifth) {
  Histogram histogram;
  EXPECT_EQ(histogram.Percentile(0.5), 0u);
  for (uint64_t i = 1; i <= 10000; ++i) histogram.Add(i * 1000);
  EXPECT_EQ(histogram.count(), 10000u);
  for (const double part : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    const double exact = part * 10'000'000;
    const auto got = static_cast<double>(histogram.Percentile(part));
    EXPECT_GE(got, exact * 0.999) << part;
    EXPECT_LE(got, exact * 1.26) << part;
  }
}

TEST(StatisticsTest, ExtremesHaveAPlaceToo) {
  Histogram histogram;
  histogram.Add(0);
  EXPECT_LE(histogram.Percentile(1), 4u);
  histogram.Add(~uint64_t{0});
  EXPECT_GT(histogram.Percentile(1), uint64_t{3600} * 1'000'000'000);
}

TEST(StatisticsTest, EveryKindOfRequestIsCountedByItsName) {
  Statistics statistics;
  statistics.Served(1, std::chrono::microseconds(20));
  statistics.Served(1, std::chrono::microseconds(30));
  statistics.Served(44, std::chrono::milliseconds(2));
  statistics.Served(4096, std::chrono::microseconds(1));
  Counters counters;
  Counters::Add(counters.data_copy_ups, 3);
  const auto document = nlohmann::json::parse(statistics.ToJson(counters, 17));
  EXPECT_EQ(document["nodes"], 17);
  EXPECT_EQ(document["data_copy_ups"], 3);
  ASSERT_EQ(document["requests"].size(), 3u);
  EXPECT_EQ(document["requests"][0]["kind"], "LOOKUP");
  EXPECT_EQ(document["requests"][0]["count"], 2);
  EXPECT_EQ(document["requests"][0]["total_us"], 50.0);
  EXPECT_EQ(document["requests"][1]["kind"], "READDIRPLUS");
  EXPECT_EQ(document["requests"][2]["kind"], "other");
}

}  // namespace
}  // namespace veneer
