// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/file_pattern.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(FilePatternTest, MatchesAsGoDoes) {
  struct Case {
    std::string pattern, name;
    bool matches;
  };
  const std::vector<Case> cases = {
      {"abc", "abc", true},
      {"", "", true},
      {"", "x", false},
      {"*", "", true},
      {"*", "abc", true},
      {"*", "a/b", false},
      {"*c", "abc", true},
      {"a*", "a", true},
      {"a*", "ab/c", false},
      {"a*/b", "abc/b", true},
      {"a*/b", "a/c/b", false},
      {"a*b*c*d*e*/f", "axbxcxdxe/f", true},
      {"a*b*c*d*e*/f", "axbxcxdxexxx/f", true},
      {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false},
      {"a*b?c*x", "abxbbxdbxebxczzx", true},
      {"a*b?c*x", "abxbbxdbxebxczzy", false},
      {"**", "ab", true},
      {"**", "a/b", false},
      {"ab[c]", "abc", true},
      {"ab[b-d]", "abc", true},
      {"ab[e-g]", "abc", false},
      {"ab[^c]", "abc", false},
      {"ab[^e-g]", "abc", true},
      {"[d-b]", "c", false},
      {"a[b-cx-z]", "ay", true},
      {"a\\*b", "a*b", true},
      {"a\\*b", "ab", false},
      {"a?b",
       "a\xE2\x98\xBA"
       "b",
       true},
      {"a[^a]b",
       "a\xE2\x98\xBA"
       "b",
       true},
      {"a???b",
       "a\xE2\x98\xBA"
       "b",
       false},
      {"[a-\xCE\xB6]*", "\xCE\xB1", true},
      {"*[a-\xCE\xB6]", "A", false},
      {"a?b", "a/b", false},
      {"a*b", "a/b", false},
      {"a[^b]c", "a/c", true},
      {"[\\]a]", "]", true},
      {"[\\-x]", "-", true},
      {"[x\\-]", "-", true},
      {"[x\\-]", "z", false},
      {"*x", "xxx", true},
      {"a]", "a]", true},
      {"?", "\xFF", true},
      {"[^x]", "\xFF", true},
      {"\xFF", "\xFE", false},
  };
  for (const auto& [text, name, matches] : cases) {
    const auto pattern = FilePattern::Parse(text);
    ASSERT_TRUE(pattern) << text;
    EXPECT_EQ(pattern->Matches(name), matches) << text << " " << name;
  }
}

TEST(FilePatternTest, WhatIsMalformedIsRefused) {
  for (const char* text : {"[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a\\",
                           "[\\", "[a-\\]", "[\xFF]", "*[", "[]"}) {
    const auto pattern = FilePattern::Parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().exit(), ExitCode::kUsage);
    EXPECT_NE(pattern.error().message().find("is malformed"), std::string::npos);
  }
}

TEST(FilePatternTest, ManyStarsTakeNoLongerThanTheProductOfTheLengths) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "*a";
  EXPECT_FALSE(FilePattern::Parse(text + "b")->Matches(std::string(5000, 'a')));
}

TEST(FilePatternTest, APatternWithoutWildcardsIsOneName) {
  EXPECT_EQ(FilePattern::Parse("a\\*\\b")->literal(), "a*b");
  EXPECT_EQ(FilePattern::Parse("a?")->literal(), std::nullopt);
  for (const char* text : {"*", "a?", "[a]", "\\\\*"}) EXPECT_TRUE(HasWildcards(text)) << text;
  for (const char* text : {"", "a]", "\\*", "\\[\\?", "\\"})
    EXPECT_FALSE(HasWildcards(text)) << text;
}

TEST(FilePatternTest, APathHasAPatternForEachName) {
  const auto names = ParsePathPattern("/a*//./b/");
  ASSERT_TRUE(names);
  ASSERT_EQ(names->size(), 2);
  EXPECT_TRUE((*names)[0].Matches("ax"));
  EXPECT_EQ((*names)[1].literal(), "b");
  EXPECT_EQ(ParsePathPattern("/")->size(), 0);
  EXPECT_FALSE(ParsePathPattern("a[/]b"));
}

TEST(FilePatternTest, CleansPathsAsGoDoes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "."},         {"a/../..", ".."},   {"../a", "../a"}, {"/..//a/./b/", "/a/b"},
      {"a/b/..", "a"},   {"a/..", "."},       {"//", "/"},      {"../../a/..", "../.."},
      {"./a//b", "a/b"}, {"/a/../../b", "/b"}};
  for (const auto& [path, clean] : cases) EXPECT_EQ(CleanPath(path), clean) << path;
}

}  // namespace
}  // namespace veneer
