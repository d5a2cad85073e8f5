// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/words.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

// The word with its variables replaced; or "! " and the error.
std::string Expand(std::string_view word, char escape = '\\') {
  const auto lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name == "a") return "A";
    if (name == "empty") return "";
    if (name == "path") return "/usr/lib/x.tar.gz";
    if (name == "stars") return "a*b**c?";
    if (name == "utf") return "äöü";
    if (name == "pattern") return "*/";
    if (name == "big") return std::string(kMaxExpandedWord / 2, 'x');
    return std::nullopt;
  };
  const auto result = ExpandWord(word, lookup, escape);
  if (result) return *result;
  EXPECT_EQ(result.error().exit(), ExitCode::kUsage);
  return "! " + result.error().message();
}

TEST(DockerfileWords, ExpandAsInAShell) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"$a", "A"},
      {"x${a}y$a-$a_", "xAyA-"},
      {"\\$a", "$a"},
      {"'$a'", "$a"},
      {"\"$a \\$a \\\" \\n\"", "A $a \" \\n"},
      {"\"it's\" 'a \"b\"'", "it's a \"b\""},
      {"$", "$"},
      {"$.", "$."},
      {"a\\", "a"},
      {"a\\\\b\\c", "a\\bc"},
      {"${none:-x}${empty:-y}${empty-z}${a:-w}", "xyA"},
      {"${none:+x}${empty:+y}${empty+z}${a:+w}", "zw"},
      {"${none:-${none:-${a}}}", "A"},
      {"${none:-'x y'}", "x y"},
      {"${none:-\"}\"\\}'}'}", "}}}"},
      {"${none-x}${a-y}${none+x}", "xA"},
      {"${a:?no}${a?no}${empty?no}", "AA"},
      // A message that nobody needs is none.
      {"${a:-${none:?no}}", "A"},
  };
  for (const auto& [word, value] : cases) EXPECT_EQ(Expand(word), value) << word;
}

TEST(DockerfileWords, AShellsOwnVariablesAreEmpty) {
  for (const char* word :
       {"$1", "$10", "$$", "$@", "$*", "$#", "$?", "$-", "$!", "${10}", "${@}"}) {
    EXPECT_EQ(Expand(word), "") << word;
  }
  EXPECT_EQ(Expand("$1a$$$a"), "aA");
}

TEST(DockerfileWords, PatternsCutAndReplace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"${path#*/}", "usr/lib/x.tar.gz"},
      {"${path##*/}", "x.tar.gz"},
      {"${path%.*}", "/usr/lib/x.tar"},
      {"${path%%.*}", "/usr/lib/x"},
      {"${path:#*/}", "usr/lib/x.tar.gz"},
      {"${path#}${path%none}", "/usr/lib/x.tar.gz/usr/lib/x.tar.gz"},
      {"${path#$pattern}", "usr/lib/x.tar.gz"},
      {"${path#\"/usr\"}", "/lib/x.tar.gz"},
      {"${path%.g?}", "/usr/lib/x.tar"},
      {"${path##*/*/*/}", "x.tar.gz"},
      {"${path%%/*/*}", ""},
      {"${stars#a\\*}", "b**c?"},
      {"${stars%\\?}", "a*b**c"},
      {"${stars%%\\**\\**}", "a"},
      {"${utf#?}${utf%?}${utf%%?*}", "öüäö"},
      {"${none#x}${none/x/y}", ""},
      {"${path/\\//_}", "_usr/lib/x.tar.gz"},
      {"${path//\\//_}", "_usr_lib_x.tar.gz"},
      {"${path//[.]/}", "/usr/lib/x.tar.gz"},
      {"${path//./}", "/usr/lib/xtargz"},
      {"${path/l*x/$a}", "/usr/A.tar.gz"},
      {"${path//\\//\\/}", "\\/usr\\/lib\\/x.tar.gz"},
      {"${path/none/x}", "/usr/lib/x.tar.gz"},
      {"${a/*/x}${a//*/x}${a//?/xy}", "xxxy"},
      {"${utf//ö/o}", "äoü"},
      {"${a/$empty/x}${a//$empty/x}${empty//*/x}", "xAxAxx"},
      {"${none:-${path##*.}}", "gz"},
  };
  for (const auto& [word, value] : cases) EXPECT_EQ(Expand(word), value) << word;
}

TEST(DockerfileWords, WhatCannotBeExpandedIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"${a", "a brace is not closed"},
      {"${", "a brace is not closed"},
      {"${a:", "a brace is not closed"},
      {"${a:-x", "a brace is not closed"},
      {"${}", "not followed by a variable's name"},
      {"${:-x}", "not followed by a variable's name"},
      {"${{a}}", "not followed by a variable's name"},
      {"${a=x}", "${a=…} has none of the modifiers"},
      {"${a:/x/y}", "${a:/…} has none of the modifiers"},
      {"${#a}", "has none of the modifiers"},
      {"${a^^}", "has none of the modifiers"},
      {"'", "a single quote is not closed"},
      {"\"a\\", "a double quote is not closed"},
      {"${none:?say $a}", "! none: say A"},
      {"${empty:?}", "! empty: the variable is empty"},
      {"${none?}", "! none: the variable is not set"},
      {"${a/x}", "a / is missing"},
      {"${a//x}", "a / is missing"},
      {"${a#\\x}", "a backslash stands before none of"},
      {"${a#'\\'}", "a backslash stands before none of"},
      {"${a#" + std::string(257, 'x') + "}", "more than 256 characters"},
      {"$big$big$a", "more than 1 MiB"},
      {"${big//x/$a$a$a}", "more than 1 MiB"},
  };
  for (const auto& [word, error] : cases) {
    const std::string got = Expand(word);
    EXPECT_NE(got.find(error), std::string::npos) << word << " gave " << got;
    EXPECT_EQ(got.substr(0, 2), "! ") << word;
  }
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "${none:-";
  EXPECT_NE(Expand(deep + std::string(1000, '}')).find("nested too deep"), std::string::npos);
}

TEST(DockerfileWords, ABacktickMayBeTheEscapeCharacter) {
  EXPECT_EQ(Expand("C:\\x`$a \"`\"\\\"", '`'), "C:\\x$a \"\\");
  EXPECT_EQ(SplitWords("a\\ b` c 'd`' e", '`'),
            (std::vector<std::string>{"a\\", "b` c", "'d`'", "e"}));
}

TEST(DockerfileWords, AreSplitOutsideOfQuotes) {
  EXPECT_EQ(SplitWords(" a 'b c' d\\ e \"f 'g\"  \"h\\\" i\""),
            (std::vector<std::string>{"a", "'b c'", "d\\ e", "\"f 'g\"", "\"h\\\" i\""}));
  EXPECT_TRUE(SplitWords(" \t").empty());
  EXPECT_TRUE(HasOpenQuote("a 'b"));
  EXPECT_FALSE(HasOpenQuote("a 'b' \\' \"'\""));
}

}  // namespace
}  // namespace veneer
