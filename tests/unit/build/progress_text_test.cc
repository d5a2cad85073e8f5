// SPDX-License-Identifier: Apache-2.0
#include "tools/build/progress_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/build/progress_fixture.h"

namespace veneer {
namespace {

using testing::ElementsAre;

TEST(ProgressText, AStepHasItsStageAndItsNumber) {
  EXPECT_EQ(StepName(OwnStep("[internal] load build context")), "[internal] load build context");
  EXPECT_EQ(StepName(StageStep("builder", 2, 3, "RUN make")), "[builder 2/3] RUN make");
  EXPECT_EQ(StepName(StageStep("", 2, 12, "RUN make")), "[ 2/12] RUN make");
  EXPECT_EQ(StepName(StageStep("a", 1, 1, "RUN <<EOF\necho 1\nEOF")), "[a 1/1] RUN <<EOF...");
  EXPECT_EQ(StepName(OwnStep("a\tb\x1b[2J\xff")), "a b?[2J?");
}

TEST(ProgressText, TimesAreAsBuildKitWritesThem) {
  EXPECT_EQ(SecondsText(0.04), "0.0");
  EXPECT_EQ(SecondsText(12.34), "12.3");
  EXPECT_EQ(SecondsText(0.1234, true), "0.123");
  EXPECT_EQ(SecondsText(12.345, true), "12.35");
  EXPECT_EQ(SecondsText(123.456, true), "123.5");
  EXPECT_EQ(SecondsText(-1), "0.0");
}

std::string Filtered(std::string_view bytes) {
  OutputFilter whole;
  std::string text = whole.Feed(bytes);
  text += whole.Finish();
  // In single bytes it is the same.
  OutputFilter pieces;
  std::string same;
  for (const char byte : bytes) same += pieces.Feed(std::string_view(&byte, 1));
  same += pieces.Finish();
  EXPECT_EQ(same, text);
  return text;
}

TEST(ProgressText, OutputDoesNotSteerTheTerminal) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain\ttext\r\nmore\n", "plain\ttext\r\nmore\n"},
      {"\x1b[31mred\x1b[0m", "red"},
      {"\x1b[38;2;1;2;3mtrue\x1b[?25l", "true"},
      {"a\x1b]0;title\ab", "ab"},
      {"a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"},
      {"a\x1bPdata\x1b\\b", "ab"},
      {"a\x1b(Bb\x1b=c\x1b"
       "7d",
       "abcd"},
      {"bell\a back\b del\x7f nul" + std::string(1, '\0') + "!", "bell back del nul!"},
      {"\x1b]0;never ends\nnext", "\nnext"},
      {"\x1b[12\nnext", "\nnext"},
      {"\x1b\x1b[1mx", "x"},
      {"\x1b[\x1b[1mx", "x"},
      {"äöü 日本 😀", "äöü 日本 😀"},
      {"\xff\xc3(\xe2\x82", "?\?(?"},
      {"\xc2\x9b"
       "31mx",
       "?31mx"},  // CSI as one character
      {"a\xe2\x80\xae"
       "b",
       "a?b"},  // from right to left
      {"\xe2\x82\x1b[1m\xac", "??"},
  };
  for (const auto& [bytes, text] : cases) EXPECT_EQ(Filtered(bytes), text) << bytes;
}

std::vector<std::string> Tail(const std::string& text, size_t count) {
  OutputTail tail(3, 1000);
  tail.Feed(text);
  return tail.Last(count);
}

TEST(ProgressText, TheTailHasTheLastLines) {
  EXPECT_THAT(Tail("", 3), ElementsAre());
  EXPECT_THAT(Tail("a\nb\nc\nd\n", 9), ElementsAre("b", "c", "d"));
  EXPECT_THAT(Tail("a\nb\nc\nd\ne", 2), ElementsAre("d", "e"));
  EXPECT_THAT(Tail("a\nb", 1), ElementsAre("b"));
  EXPECT_THAT(Tail("a\nb", 0), ElementsAre());
  EXPECT_THAT(Tail("1%\r50%\r100%\nx\r\n\n", 3), ElementsAre("100%", "x", ""));
  EXPECT_THAT(Tail("1%\r50%\r", 3), ElementsAre("50%"));
  EXPECT_THAT(Tail("a\tb", 3), ElementsAre("a       b"));
}

TEST(ProgressText, TheTailHasABound) {
  OutputTail tail(SIZE_MAX, 10);
  EXPECT_TRUE(tail.empty());
  tail.Feed("123456\n");
  EXPECT_FALSE(tail.cut());
  tail.Feed("1234567\n");
  EXPECT_TRUE(tail.cut());
  EXPECT_THAT(tail.Last(9), ElementsAre("1234567"));
  tail.Feed(std::string(1 << 20, 'x'));
  EXPECT_LT(tail.Last(1)[0].size(), 10'000U);
}

TEST(ProgressText, ColumnsAreThoseOfATerminal) {
  EXPECT_EQ(TextColumns("abc"), 3U);
  EXPECT_EQ(TextColumns("日本"), 4U);
  EXPECT_EQ(TextColumns("e\u0301"), 1U);
  EXPECT_EQ(FitColumns("abc", 2), "ab");
  EXPECT_EQ(FitColumns("日本", 3), "日");
  EXPECT_EQ(FitColumns("e\u0301x", 1), "e\u0301");
  EXPECT_EQ(FitColumns("abc", 0), "");
}

}  // namespace
}  // namespace veneer
