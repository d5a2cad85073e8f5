// SPDX-License-Identifier: Apache-2.0
#include "tools/format/json.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(ParseJsonTest, KeepsTheOrderOfKeysAndUnknownMembers) {
  const std::string text = R"({"z":1,"a":{"y":[true,null,"x"],"b":-2}})";
  const Result<Json> document = ParseJson(text);
  ASSERT_TRUE(document);
  EXPECT_EQ(DumpJson(*document), text);
}

TEST(ParseJsonTest, RefusesWhatTwoReadersCouldUnderstandDifferently) {
  for (const char* text : {"", "[]", "1", "{", "{}x", "{} {}", R"({"a":1,"a":2})",
                           R"({"a":{"b":1,"b":1}})", "{\"a\":\"\xff\"}", "{'a':1}", "{\"a\":1,}",
                           "{\"a\":01}", "\"x\"", "null", "{/*c*/}", "{\"a\":\"\\ud800\"}"}) {
    EXPECT_FALSE(ParseJson(text)) << text;
  }
}

TEST(ParseJsonTest, TheSameKeyInTwoObjectsIsFine) {
  EXPECT_TRUE(ParseJson(R"({"a":[{"k":1},{"k":2}],"k":3})"));
}

TEST(ParseJsonTest, KeepsItsLimits) {
  JsonLimits limits;
  limits.bytes = 20;
  EXPECT_FALSE(ParseJson("{\"a\":\"" + std::string(20, 'x') + "\"}", limits));
  limits = {};
  const auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  EXPECT_TRUE(ParseJson(nested(limits.depth), limits));
  EXPECT_FALSE(ParseJson(nested(limits.depth + 1), limits));
  EXPECT_FALSE(ParseJson(nested(1'000'000), limits));
  limits.values = 3;
  EXPECT_TRUE(ParseJson(R"({"a":1,"b":2})", limits));
  EXPECT_FALSE(ParseJson(R"({"a":1,"b":2,"c":3})", limits));
}

TEST(GetTest, TellsAbsentFromWrong) {
  const Json object = *ParseJson(R"({"s":"x","n":null,"b":true,"l":["a","b"],"m":["a",1],"o":{}})");
  EXPECT_EQ(*GetString(object, "s"), "x");
  EXPECT_EQ(*GetString(object, "n"), std::nullopt);
  EXPECT_EQ(*GetString(object, "absent"), std::nullopt);
  EXPECT_FALSE(GetString(object, "b"));
  EXPECT_EQ(*GetStringOrEmpty(object, "s"), "x");
  EXPECT_EQ(*GetStringOrEmpty(object, "n"), "");
  EXPECT_EQ(*GetStringOrEmpty(object, "absent"), "");
  EXPECT_FALSE(GetStringOrEmpty(object, "b"));
  EXPECT_EQ(*GetBool(object, "b"), true);
  EXPECT_FALSE(GetBool(object, "s"));
  EXPECT_EQ(*GetStrings(object, "l"), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(GetStrings(object, "m"));
  EXPECT_FALSE(GetObject(object, "l"));
  EXPECT_NE(*GetObject(object, "o"), nullptr);
  EXPECT_FALSE(GetArray(object, "o"));
  EXPECT_EQ(*GetArray(object, "n"), nullptr);
}

}  // namespace
}  // namespace veneer
