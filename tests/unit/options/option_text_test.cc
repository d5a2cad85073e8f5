// SPDX-License-Identifier: Apache-2.0
#include "fs/options/option_text.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

// "word" or "word=value" of each option, for comparing.
std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> out;
  for (const OptionText& option : SplitOptions(text)) {
    std::string piece(option.word);
    if (option.value) piece += "=" + std::string(*option.value);
    out.push_back(piece);
  }
  return out;
}

using Pieces = std::vector<std::string>;

TEST(OptionTextTest, CommasSeparateAndEmptyOptionsAreLeftOut) {
  EXPECT_EQ(Split("a,b=1,,c="), (Pieces{"a", "b=1", "c="}));
  EXPECT_EQ(Split(""), Pieces{});
  EXPECT_EQ(Split(",,"), Pieces{});
}

TEST(OptionTextTest, AnEscapedCommaStaysInTheValue) {
  EXPECT_EQ(Split(R"(lowerdir=/a\,b:/c,ro)"), (Pieces{R"(lowerdir=/a\,b:/c)", "ro"}));
  EXPECT_EQ(Split(R"(lowerdir=/a\\,ro)"), (Pieces{R"(lowerdir=/a\\)", "ro"}));
}

TEST(OptionTextTest, QuotesAroundAWholeValueProtectCommas) {
  EXPECT_EQ(Split(R"(context="system_u:object_r:container_file_t:s0:c1,c2",ro)"),
            (Pieces{"context=system_u:object_r:container_file_t:s0:c1,c2", "ro"}));
  EXPECT_EQ(Split(R"(ro,upperdir="/a,b")"), (Pieces{"ro", "upperdir=/a,b"}));
}

TEST(OptionTextTest, AQuoteThatIsNotAroundAWholeValueIsACharacter) {
  EXPECT_EQ(Split(R"(lowerdir=/a"b,ro)"), (Pieces{R"(lowerdir=/a"b)", "ro"}));
  EXPECT_EQ(Split(R"(lowerdir="/ab,ro)"), (Pieces{R"(lowerdir="/ab)", "ro"}));
  EXPECT_EQ(Split(R"(lowerdir="a"b",ro)"), (Pieces{R"(lowerdir=a"b)", "ro"}));
}

TEST(OptionTextTest, OnlyTheFirstEqualsSignDivides) {
  EXPECT_EQ(Split("lowerdir=/a=b"), (Pieces{"lowerdir=/a=b"}));
}

TEST(OptionTextTest, UnescapesTheFourEscapesAndNothingElse) {
  EXPECT_EQ(Unescape(R"(a\:b\,c\\d\"e\nf\)"), R"(a:b,c\d"e\nf\)");
}

TEST(OptionTextTest, SplitsPathsAtBareColons) {
  EXPECT_EQ(SplitPaths(R"(/a\:1:/b\\:/c\,d)"), (Pieces{"/a:1", R"(/b\)", "/c,d"}));
  EXPECT_EQ(SplitPaths("/a"), Pieces{"/a"});
  EXPECT_EQ(SplitPaths("/a::/b"), (Pieces{"/a", "", "/b"}));
}

TEST(OptionTextTest, EscapesForLibfuse) {
  EXPECT_EQ(EscapeForLibfuse(R"(a,b\c:d)"), R"(a\,b\\c:d)");
}

}  // namespace
}  // namespace veneer
