// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/build/progress_fixture.h"

namespace veneer {
namespace {

struct Plain {
  ProgressRecord record;
  std::unique_ptr<TickedProgress> progress;
  explicit Plain(bool terminal = false) : progress(MakePlainProgress(record.Sink(terminal))) {}
};

TEST(PlainProgress, StepsBehindEachOther) {
  Plain plain;
  const size_t load = plain.progress->Begin(OwnStep("[internal] load build definition"));
  plain.progress->Status(load, "transferring dockerfile: 387B");
  plain.progress->End(load, false, std::nullopt);
  const size_t from = plain.progress->Begin(StageStep("builder", 1, 2, "FROM bb"));
  plain.progress->End(from, true, std::nullopt);
  const size_t run = plain.progress->Begin(StageStep("builder", 2, 2, "RUN make"));
  plain.record.now += 0.1234;
  plain.progress->Output(run, "a\nb", false);
  plain.record.now += 12;
  plain.progress->Output(run, "c\nno newline", true);
  plain.progress->End(run, false, std::nullopt);
  plain.progress->Finish({});
  EXPECT_EQ(plain.record.Take(), R"(#1 [internal] load build definition
#1 transferring dockerfile: 387B done
#1 DONE 0.0s

#2 [builder 1/2] FROM bb
#2 CACHED

#3 [builder 2/2] RUN make
#3 0.123 a
#3 12.12 bc
#3 12.12 no newline
#3 DONE 12.1s
)");
}

TEST(PlainProgress, StepsSideBySideHaveTheWordInTurn) {
  Plain plain;
  const size_t a = plain.progress->Begin(StageStep("a", 1, 1, "RUN a"));
  const size_t b = plain.progress->Begin(StageStep("b", 1, 1, "RUN b"));
  plain.progress->Output(a, "a1\n", false);
  plain.progress->Output(b, "b1\n", false);
  plain.progress->Output(a, "a2\n", false);
  EXPECT_EQ(plain.record.Take(), "#1 [a 1/1] RUN a\n#1 0.000 a1\n#1 0.000 a2\n");
  // One is silent: another has the word, without an event.
  plain.record.now += 0.5;
  plain.progress->Tick();
  EXPECT_EQ(plain.record.Take(), "");
  plain.record.now += 0.6;
  plain.progress->Tick();
  EXPECT_EQ(plain.record.Take(), "#1 ...\n\n#2 [b 1/1] RUN b\n#2 0.000 b1\n");
  // Both talk: each waits five seconds at most.
  for (int i = 0; i < 11; ++i) {
    plain.record.now += 0.5;
    plain.progress->Output(b, "b\n", false);
    plain.progress->Output(a, "a\n", false);
  }
  const std::string both = plain.record.Take();
  EXPECT_EQ(both.find("#2 1.600 b\n"), 0U);
  const size_t turn = both.find("#2 ...\n\n#1 [a 1/1] RUN a\n#1 1.600 a\n#1 2.100 a\n");
  EXPECT_NE(turn, std::string::npos) << both;
  EXPECT_EQ(both.find("...", turn + 5), std::string::npos) << both;
  // An end is told at once, and with it what was waiting.
  plain.progress->End(b, false, std::nullopt);
  EXPECT_EQ(plain.record.Take(), "#1 ...\n\n#2 [b 1/1] RUN b\n#2 DONE 6.6s\n");
  plain.progress->Output(a, "a\n", false);
  plain.progress->End(a, false, std::nullopt);
  EXPECT_EQ(plain.record.Take(), "\n#1 [a 1/1] RUN a\n#1 6.600 a\n#1 DONE 6.6s\n");
}

TEST(PlainProgress, AFailureIsToldOnceMoreAtTheEnd) {
  Plain plain;
  const size_t a = plain.progress->Begin(StageStep("a", 1, 1, "RUN a"));
  const size_t b = plain.progress->Begin(StageStep("b", 1, 1, "RUN b"));
  for (int i = 0; i < 12; ++i) plain.progress->Output(a, std::to_string(i) + "\n", true);
  plain.record.Take();
  plain.progress->Fail(a, Error("exit code: 3"));
  plain.progress->Fail(b, Cancelled());
  plain.progress->Finish({.failed = true, .image = {}, .names = {}});
  EXPECT_EQ(plain.record.Take(), R"(#1 ERROR: exit code: 3

#2 [b 1/1] RUN b
#2 CANCELED
------
 > [a 1/1] RUN a:
0.000 2
0.000 3
0.000 4
0.000 5
0.000 6
0.000 7
0.000 8
0.000 9
0.000 10
0.000 11
------
)");
}

TEST(PlainProgress, AWarningStandsBetweenSteps) {
  Plain plain;
  const size_t a = plain.progress->Begin(OwnStep("a"));
  plain.progress->Warn("line 2: no");
  plain.progress->End(a, false, std::nullopt);
  EXPECT_EQ(plain.record.Take(), "#1 a\n#1 ...\n\nWARNING: line 2: no\n\n#1 a\n#1 DONE 0.0s\n");
}

TEST(PlainProgress, EscapeSequencesStayInAFileAndGoOnATerminal) {
  const std::string bytes = "\x1b[31mred\x1b[0m\r50%\r100%\r\n";
  Plain file;
  file.progress->Output(file.progress->Begin(OwnStep("a")), bytes, false);
  EXPECT_EQ(file.record.Take(), "#1 a\n#1 0.000 \x1b[31mred\x1b[0m\r50%\r100%\r\n");
  Plain terminal(true);
  terminal.progress->Output(terminal.progress->Begin(OwnStep("a")), bytes, false);
  EXPECT_EQ(terminal.record.Take(), "#1 a\n#1 0.000 100%\n");
}

TEST(PlainProgress, ALineWithoutAnEndIsWrittenInPieces) {
  Plain plain;
  const size_t a = plain.progress->Begin(OwnStep("a"));
  for (int i = 0; i < 3; ++i) plain.progress->Output(a, std::string(50'000, 'x'), false);
  EXPECT_GT(plain.record.Take().size(), 90'000U);
}

}  // namespace
}  // namespace veneer
