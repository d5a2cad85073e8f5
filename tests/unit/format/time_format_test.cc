// SPDX-License-Identifier: Apache-2.0
#include "tools/format/time_format.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace veneer {
namespace {

TEST(Rfc3339Test, WritesWhatItReads) {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2024-02-29T23:59:59.5Z", "1969-12-31T23:59:59.999999999Z",
        "2106-02-07T06:28:16Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    const Result<Timestamp> time = ParseRfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(FormatRfc3339(*time), text);
  }
}

TEST(Rfc3339Test, CountsOffsets) {
  EXPECT_EQ(*ParseRfc3339("1970-01-01T01:30:00+01:30"), (Timestamp{0, 0}));
  EXPECT_EQ(*ParseRfc3339("1969-12-31T23:00:00-01:00"), (Timestamp{0, 0}));
  EXPECT_EQ(*ParseRfc3339("1970-01-01t00:00:01.0001z"), (Timestamp{1, 100'000}));
}

TEST(Rfc3339Test, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2024", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z", "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z",
        "2024-01-01 00:00:00Z", "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00+0100",
        "2024-01-00T00:00:00Z", "-024-01-01T00:00:00Z"}) {
    EXPECT_FALSE(ParseRfc3339(text)) << text;
  }
}

TEST(HumanDurationTest, SpeaksAsDockerDoes) {
  struct Case {
    int64_t seconds;
    const char* text;
  };
  for (const Case& c : std::vector<Case>{{-5, "Less than a second"},
                                         {0, "Less than a second"},
                                         {1, "1 second"},
                                         {59, "59 seconds"},
                                         {60, "About a minute"},
                                         {119, "About a minute"},
                                         {120, "2 minutes"},
                                         {3599, "59 minutes"},
                                         {3600, "About an hour"},
                                         {5400, "2 hours"},
                                         {47 * 3600, "47 hours"},
                                         {48 * 3600, "2 days"},
                                         {13 * 86400, "13 days"},
                                         {14 * 86400, "2 weeks"},
                                         {60 * 86400, "2 months"},
                                         {729 * 86400, "24 months"},
                                         {730 * 86400, "2 years"}}) {
    EXPECT_EQ(HumanDuration(c.seconds), c.text) << c.seconds;
  }
  EXPECT_EQ(HumanAge({100, 0}, {220, 0}), "2 minutes ago");
  EXPECT_EQ(HumanAge({0, 0}, {1'796'000'000, 0}), "56 years ago");
  EXPECT_EQ(HumanAge(*ParseRfc3339("0001-01-01T00:00:00Z"), {1'796'000'000, 0}), "N/A");
  EXPECT_EQ(HumanAge(*ParseRfc3339("0001-01-02T00:00:00Z"), {1'796'000'000, 0}), "292 years ago");
}

TEST(CreationTimeTest, HonoursSourceDateEpoch) {
  setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
  EXPECT_EQ(*CreationTime(), (Timestamp{1700000000, 0}));
  setenv("SOURCE_DATE_EPOCH", "tomorrow", 1);
  ASSERT_FALSE(CreationTime());
  EXPECT_EQ(CreationTime().error().exit(), ExitCode::kUsage);
  unsetenv("SOURCE_DATE_EPOCH");
  EXPECT_GT(CreationTime()->sec, 1700000000);
}

}  // namespace
}  // namespace veneer
