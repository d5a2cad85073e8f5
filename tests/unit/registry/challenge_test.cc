// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/challenge.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(ParseChallenges, OfATokenService) {
  const auto all = ParseChallenges(
      R"(Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push")");
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].scheme, "bearer");
  EXPECT_EQ(all[0].values.at("realm"), "https://auth.example/token");
  EXPECT_EQ(all[0].values.at("service"), "registry");
  EXPECT_EQ(all[0].values.at("scope"), "repository:a/b:pull,push");
}

TEST(ParseChallenges, SeveralInOneHeader) {
  const auto all = ParseChallenges(R"(Negotiate, BASIC Realm = "a \"b\" c" , Bearer realm=plain)");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].scheme, "negotiate");
  EXPECT_TRUE(all[0].values.empty());
  EXPECT_EQ(all[1].scheme, "basic");
  EXPECT_EQ(all[1].values.at("realm"), R"(a "b" c)");
  EXPECT_EQ(all[2].values.at("realm"), "plain");
}

TEST(ParseChallenges, WhatCannotBeReadEndsTheList) {
  EXPECT_TRUE(ParseChallenges("").empty());
  EXPECT_TRUE(ParseChallenges(" , ,").empty());
  EXPECT_TRUE(ParseChallenges("=x").empty());
  const auto open = ParseChallenges(R"(Bearer realm="never closed)");
  ASSERT_EQ(open.size(), 1U);
  EXPECT_FALSE(open[0].values.contains("realm"));
}

}  // namespace
}  // namespace veneer
