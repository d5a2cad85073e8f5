// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/ignore_file.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

struct Case {
  std::string text;
  std::vector<std::string> ignored;
  std::vector<std::string> kept;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    const auto file = IgnoreFile::Parse(each.text);
    ASSERT_TRUE(file) << each.text << file.error().message();
    for (const auto& path : each.ignored) EXPECT_TRUE(file->Ignores(path)) << each.text << path;
    for (const auto& path : each.kept) EXPECT_FALSE(file->Ignores(path)) << each.text << path;
  }
}

TEST(IgnoreFileTest, PatternsBeginAtTheRootAndHoldForWhatIsInADirectory) {
  Check({
      {"a", {"a", "a/b", "a/b/c"}, {"b", "ab", "b/a"}},
      {"a/b", {"a/b", "a/b/c"}, {"a", "a/c", "b"}},
      {"*", {"a", "a/b"}, {}},
      {"*.o", {"x.o", "x.o/y"}, {"a/x.o", "x.oo"}},
      {"*/*.o", {"a/x.o"}, {"x.o", "a/b/x.o"}},
      {"a?c",
       {"abc",
        "a\xC3\xA9"
        "c"},
       {"ac", "a/c"}},
      {"[a-c]x", {"bx"}, {"dx"}},
      {"a[^b]c", {"axc", "a/c"}, {"abc"}},
      {"\\*", {"*"}, {"a"}},
      {"a.b", {"a.b"}, {"axb"}},
  });
}

TEST(IgnoreFileTest, TwoStarsAreAnyNumberOfDirectories) {
  Check({
      {"**", {"a", "a/b"}, {}},
      {"**/x", {"x", "a/x", "a/b/x", "a/x/c"}, {"ax", "a/bx"}},
      {"**/*.o", {"x.o", "a/b/x.o"}, {"x.c"}},
      {"a/**", {"a/b", "a/b/c"}, {"a", "ab"}},
      {"a/**/b", {"a/b", "a/x/b", "a/x/y/b"}, {"ab", "a/xb"}},
      {"**/**/x", {"x", "a/b/x"}, {"ax"}},
      {"**.o", {".o", "x.o", "a/x.o"}, {"x.oo"}},
      {"a**.o", {"a.o", "abc/.o", "a/.o"}, {"ax.o", "a/x.o"}},
      {"a**", {"a", "ab", "ab/c"}, {"b", "b/a"}},
      {"**x*", {"x", "a/x1"}, {"ax1"}},
      {"**/a/**/c", {"a/c", "x/a/y/z/c"}, {"x/a"}},
  });
}

TEST(IgnoreFileTest, TheLastPatternThatMatchesDecides) {
  Check({
      {"a\n!a/b", {"a", "a/c"}, {"a/b", "a/b/c"}},
      {"!a/b\na", {"a/b"}, {}},
      {"a\n!a/b\na/b/c", {"a/b/c"}, {"a/b", "a/b/d"}},
      {"a\n!a/b\na", {"a/b", "a"}, {}},
      {"!keep\n*", {"keep", "keep/x"}, {}},
      {"*\n!d\nd/x", {"d/x", "y"}, {"d", "d/z"}},
      {"*.md\n!README*.md\nREADME-secret.md", {"x.md", "README-secret.md"}, {"README-a.md"}},
  });
}

TEST(IgnoreFileTest, AnExceptionWorksAtEveryDepth) {
  Check({
      {"*\n!**/zz", {"a", "a/b", "a/zzz"}, {"zz", "a/zz", "a/b/zz", "a/zz/c"}},
      {"*\n!z/**/zz", {"z", "z/y"}, {"z/zz", "z/deep/zz", "z/a/b/zz"}},
      {"*\n!*/zz", {"zz", "a/b/zz"}, {"a/zz"}},
  });
}

TEST(IgnoreFileTest, LinesAreReadAsBuildKitReadsThem) {
  Check({
      {"\xEF\xBB\xBF"
       "a\r\nb\r\n",
       {"a", "b"},
       {"a\r"}},
      {"# a\n #b\n", {"#b"}, {"a", " a", "#", "# a"}},
      {"\n \t\n  a  \n", {"a"}, {" a"}},
      {"/a\n//b/", {"a", "b/c"}, {"c"}},
      {"./a/../b/.", {"b"}, {"a"}},
      {"../a\n..\n.\n/\n", {}, {"a", "b"}},
      {"*\n! /x\n!./y/", {"z"}, {"x", "y/a"}},
      {"\\!e", {"!e"}, {"e"}},
      {"!!e", {}, {"!e", "e"}},
      {"*\n!.", {"a"}, {}},
      {"a b", {"a b"}, {"a", "b"}},
      {"\xFF", {"\xFF"}, {"\xFE"}},
  });
  EXPECT_TRUE(IgnoreFile::Parse("# nothing\n\n.\n")->empty());
  EXPECT_FALSE(IgnoreFile::Parse("a")->empty());
  EXPECT_FALSE(IgnoreFile().Ignores("a"));
}

TEST(IgnoreFileTest, AWrongLineIsNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a\n!\n", "line 2: a pattern is missing after \"!\""},
      {"! ", "line 1: a pattern is missing"},
      {"# x\n\na[\n", "line 3: the pattern \"a[\" is malformed"},
      {"!a\\", "line 1: the pattern \"a\\"},
      {"[b-a]", "a range in brackets is the wrong way round"},
  };
  for (const auto& [text, error] : cases) {
    const auto file = IgnoreFile::Parse(text);
    ASSERT_FALSE(file) << text;
    EXPECT_EQ(file.error().exit(), ExitCode::kUsage);
    EXPECT_NE(file.error().message().find(error), std::string::npos) << file.error().message();
  }
  EXPECT_FALSE(IgnoreFile::FromPatterns({"a", "["}));
  EXPECT_TRUE(IgnoreFile::FromPatterns({"*.o", "!x.o"})->Ignores("y.o"));
}

TEST(IgnoreFileTest, AnIgnoredDirectoryIsWalkedWhereAnExceptionMayMatchInIt) {
  const auto below = [](const std::string& text, std::string_view path) {
    const auto file = IgnoreFile::Parse(text);
    auto match = file->Root();
    while (!path.empty()) {
      const auto name = path.substr(0, path.find('/'));
      match = file->Check(name, match);
      path.remove_prefix(std::min(name.size() + 1, path.size()));
    }
    return match.exceptions_below;
  };
  EXPECT_FALSE(below("*", "a"));
  EXPECT_TRUE(below("*\n!a/b/c", "a"));
  EXPECT_TRUE(below("*\n!a/b/c", "a/b"));
  EXPECT_FALSE(below("*\n!a/b/c", "a/x"));
  EXPECT_FALSE(below("*\n!a/b/c", "b"));
  EXPECT_TRUE(below("*\n!**/zz", "a/b"));
  EXPECT_TRUE(below("*\n!*/zz", "a"));
  EXPECT_FALSE(below("*\n!*/zz", "a/b"));
  EXPECT_FALSE(below("!**/zz\n*", "a"));
  EXPECT_FALSE(below("*\n!a", "b"));
}

TEST(IgnoreFileTest, ManyStarsTakeNoLongerThanTheProductOfTheLengths) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "**/*a";
  const auto file = IgnoreFile::Parse(text + "b");
  ASSERT_TRUE(file);
  EXPECT_FALSE(file->Ignores(std::string(200, 'a')));
}

}  // namespace
}  // namespace veneer
