// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/parse.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>

namespace veneer {
namespace {

TEST(ParseNumber, TakesDigitsAndNothingElse) {
  EXPECT_EQ(ParseNumber<uint32_t>("0"), 0U);
  EXPECT_EQ(ParseNumber<uint32_t>("007"), 7U);
  EXPECT_EQ(ParseNumber<uint64_t>("ff", 16), 255U);
  EXPECT_EQ(ParseNumber<int>("-5"), -5);
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "0x1", "1a", "4294967296"}) {
    EXPECT_EQ(ParseNumber<uint32_t>(text), std::nullopt) << text;
  }
}

TEST(ParseNumber, LeavesTheNumberAloneWhereThereIsNone) {
  int number = 3;
  EXPECT_FALSE(ParseNumber("4x", &number));
  EXPECT_EQ(number, 3);
  EXPECT_TRUE(ParseNumber("4", &number));
  EXPECT_EQ(number, 4);
}

TEST(TakeNumber, LeavesWhatFollows) {
  std::string_view text = "12:7";
  unsigned number = 0;
  EXPECT_TRUE(TakeNumber(&text, &number));
  EXPECT_EQ(number, 12U);
  EXPECT_EQ(text, ":7");
  EXPECT_FALSE(TakeNumber(&text, &number));
  EXPECT_EQ(number, 12U);
  EXPECT_EQ(text, ":7");
}

}  // namespace
}  // namespace veneer
