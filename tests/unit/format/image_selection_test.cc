// SPDX-License-Identifier: Apache-2.0
#include "tools/format/image_selection.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

constexpr Timestamp kNow{1'700'000'000, 500'000'000};

ImageSelection Parse(const std::vector<std::string>& filters) {
  const auto selection = ParseImageSelection(filters, kNow);
  EXPECT_TRUE(selection) << selection.error().message();
  return selection.value_or(ImageSelection{});
}

TEST(ImageSelectionTest, UntilIsATimeOrAnAge) {
  const std::vector<std::pair<std::string, Timestamp>> cases = {
      {"until=1h", {1'699'996'400, 500'000'000}},
      {"until=600ms", {1'699'999'999, 900'000'000}},
      {"until=1600000000", {1'600'000'000, 0}},
      {"until=2023-11-14", {1'699'920'000, 0}},
      {"until=2023-11-14T22:13:20", {1'700'000'000, 0}},
      {"until=2023-11-14T22:13:20+01:00", {1'699'996'400, 0}},
  };
  for (const auto& [filter, time] : cases) EXPECT_EQ(Parse({filter}).until, time) << filter;
  const ImageSelection selection = Parse({"until=1600000000"});
  EXPECT_TRUE(selection.MatchesTime({1'599'999'999, 999'999'999}));
  EXPECT_FALSE(selection.MatchesTime({1'600'000'000, 0}));
  EXPECT_TRUE(Parse({}).MatchesTime(kNow));
}

TEST(ImageSelectionTest, AllLabelsMustHold) {
  const Json config = Json::parse(R"({"config":{"Labels":{"a":"1","b":"","n":7}}})");
  const auto matches = [&](const std::vector<std::string>& filters) {
    return Parse(filters).MatchesLabels(config);
  };
  EXPECT_TRUE(matches({}));
  EXPECT_TRUE(matches({"label=a"}));
  EXPECT_TRUE(matches({"label=a=1", "label=b"}));
  EXPECT_TRUE(matches({"label=b="}));
  EXPECT_FALSE(matches({"label=a=2"}));
  EXPECT_FALSE(matches({"label=a", "label=c"}));
  EXPECT_FALSE(matches({"label=n"}));
  EXPECT_TRUE(matches({"label!=c"}));
  EXPECT_FALSE(matches({"label!=a"}));
  EXPECT_TRUE(matches({"label!=a=2"}));
  EXPECT_FALSE(matches({"label!=c", "label!=a=1"}));
  for (const char* odd : {"{}", R"({"config":null})", R"({"config":{"Labels":[]}})"}) {
    EXPECT_FALSE(Parse({"label=a"}).MatchesLabels(Json::parse(odd))) << odd;
    EXPECT_TRUE(Parse({"label!=a"}).MatchesLabels(Json::parse(odd))) << odd;
  }
}

TEST(ImageSelectionTest, WhatIsNoFilterIsRefused) {
  for (const char* bad :
       {"", "until", "until=", "until=tomorrow", "label=", "dangling=true", "=x"}) {
    const auto selection = ParseImageSelection({bad}, kNow);
    ASSERT_FALSE(selection) << bad;
    EXPECT_EQ(selection.error().exit(), ExitCode::kUsage);
  }
  EXPECT_FALSE(ParseImageSelection({"until=1h", "until=2h"}, kNow));
}

}  // namespace
}  // namespace veneer
