// SPDX-License-Identifier: Apache-2.0
//
// The display of a terminal, looked at on a screen that understands no more than it needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/build/progress_fixture.h"
#include "tools/build/progress_text.h"
#include "tools/build/terminal_frame.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Screen {
 public:
  explicit Screen(TerminalSize size) : size_(size) {}

  void Resize(TerminalSize size) {
    size_ = size;
    while (row_ >= size_.height) ScrollUp();
    rows_.resize(std::min(rows_.size(), size_.height));
  }

  void Write(std::string_view text) {
    for (size_t i = 0; i < text.size();) {
      if (text.substr(i).starts_with("\x1b[")) {
        const size_t end = text.find_first_of("AJKhlm", i);
        ASSERT_NE(end, std::string_view::npos);
        Control(text.substr(i + 2, end - i - 2), text[end]);
        i = end + 1;
      } else if (text[i] == '\r') {
        column_ = 0;
        ++i;
      } else if (text[i] == '\n') {
        NewLine();
        ++i;
      } else {
        ASSERT_GE(static_cast<unsigned char>(text[i]), 0x20);
        Put(text[i++]);
      }
    }
  }

  // From the first line that was ever there; without blanks at the end of lines.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines = gone_;
    lines.insert(lines.end(), rows_.begin(), rows_.end());
    for (std::string& line : lines) line.resize(line.find_last_not_of(' ') + 1);
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
  }
  bool AsItWas() const { return cursor_ && wraps_; }
  size_t scrolled() const { return gone_.size(); }

 private:
  std::string& Row() {
    while (rows_.size() <= row_) rows_.emplace_back();
    return rows_[row_];
  }
  void ScrollUp() {
    Row();
    gone_.push_back(rows_.front());
    rows_.erase(rows_.begin());
    --row_;
  }
  void NewLine() {
    column_ = 0;
    Row();
    if (++row_ == size_.height) ScrollUp();
  }
  void Put(char c) {
    if (column_ == size_.width) {
      if (!wraps_) return;
      NewLine();
    }
    std::string& row = Row();
    if (row.size() <= column_) row.resize(column_ + 1, ' ');
    row[column_++] = c;
  }
  void Control(std::string_view parameters, char how) {
    if (how == 'A') {
      const size_t up = parameters.empty() ? 1 : std::stoul(std::string(parameters));
      row_ -= std::min(up, row_);
    } else if (how == 'K') {
      size_t column_in_row = column_;
      if (parameters == "2") column_in_row = 0;
      Row().resize(std::min(Row().size(), column_in_row));
    } else if (how == 'J') {
      Row().resize(std::min(Row().size(), column_));
      rows_.resize(row_ + 1);
    } else if (how == 'h' || how == 'l') {
      (parameters == "?25" ? cursor_ : wraps_) = how == 'h';
    }
  }

  TerminalSize size_;
  std::vector<std::string> gone_;
  std::vector<std::string> rows_;
  size_t row_ = 0;
  size_t column_ = 0;
  bool cursor_ = true;
  bool wraps_ = true;
};

struct Terminal {
  TerminalSize size;
  Screen screen;
  ProgressRecord record;
  std::unique_ptr<TickedProgress> progress;

  explicit Terminal(TerminalSize size_now, bool colors = false) : size(size_now), screen(size_now) {
    screen.Write("$ build\r\n");
    progress = MakeTerminalProgress(
        record.Sink(true), [this] { return size; }, colors);
  }
  std::vector<std::string> Look() {
    screen.Write(record.Take());
    EXPECT_TRUE(screen.AsItWas());
    return screen.Lines();
  }
  std::vector<std::string> LookAfter(double seconds) {
    record.now += seconds;
    progress->Tick();
    return Look();
  }
  void Resize(TerminalSize to) {
    Look();
    size = to;
    screen.Resize(to);
  }
};

TEST(TerminalProgress, ShowsStepsWithTheirTimesAndTheLastOutput) {
  Terminal terminal({.width = 40, .height = 20});
  const size_t load = terminal.progress->Begin(OwnStep("[internal] load"));
  terminal.progress->End(load, false, {});
  const size_t a = terminal.progress->Begin(StageStep("a", 1, 1, "RUN a", 1, 3));
  const size_t b = terminal.progress->Begin(StageStep("b", 1, 2, "RUN b", 2, 3));
  for (int i = 1; i <= 8; ++i) terminal.progress->Output(a, "line " + std::to_string(i) + "\n", 0);
  EXPECT_THAT(terminal.LookAfter(1.23), ElementsAre("$ build",                                   //
                                                    "[+] Building 1.2s (1/4)",                   //
                                                    " => [internal] load                 0.0s",  //
                                                    " => [a 1/1] RUN a                   1.2s",  //
                                                    " => => # line 3", " => => # line 4",        //
                                                    " => => # line 5", " => => # line 6",        //
                                                    " => => # line 7", " => => # line 8",        //
                                                    " => [b 1/2] RUN b                   1.2s"));
  terminal.progress->End(a, false, {});
  terminal.progress->End(b, true, {});
  EXPECT_THAT(terminal.LookAfter(1), ElementsAre("$ build",                                   //
                                                 "[+] Building 2.2s (3/4)",                   //
                                                 " => [internal] load                 0.0s",  //
                                                 " => [a 1/1] RUN a                   1.2s",  //
                                                 " => CACHED [b 1/2] RUN b            1.2s"));
  const size_t c = terminal.progress->Begin(OwnStep("exporting to image"));
  terminal.progress->Status(c, "writing image");
  terminal.progress->End(c, false, {});
  terminal.progress->Finish({});
  EXPECT_THAT(terminal.Look(), ElementsAre("$ build",                                   //
                                           "[+] Building 2.2s (4/4) FINISHED",          //
                                           " => [internal] load                 0.0s",  //
                                           " => [a 1/1] RUN a                   1.2s",  //
                                           " => CACHED [b 1/2] RUN b            1.2s",  //
                                           " => exporting to image              0.0s",  //
                                           " => => writing image"));
  EXPECT_EQ(terminal.screen.scrolled(), 0U);
}

TEST(TerminalProgress, DrawsTenTimesASecondAtMost) {
  Terminal terminal({.width = 40, .height = 20});
  const size_t a = terminal.progress->Begin(OwnStep("a"));
  terminal.Look();
  size_t pictures = 0;
  for (int i = 0; i < 1000; ++i) {
    terminal.record.now += 0.001;
    terminal.progress->Output(a, "x\n", false);
    terminal.progress->Tick();
    if (!terminal.record.Take().empty()) ++pictures;
  }
  EXPECT_LE(pictures, 10U);
  EXPECT_GE(pictures, 9U);
}

TEST(TerminalProgress, AFailureShowsItsOutputAtTheEnd) {
  Terminal terminal({.width = 40, .height = 9});
  const size_t a = terminal.progress->Begin(StageStep("a", 1, 1, "RUN a"));
  const size_t b = terminal.progress->Begin(StageStep("b", 1, 1, "RUN b"));
  for (int i = 1; i <= 8; ++i)
    terminal.progress->Output(a, "\x1b[2Jline " + std::to_string(i) + "\n", false);
  terminal.LookAfter(1);
  terminal.progress->Fail(a, Error("exit code: 1"));
  terminal.progress->Fail(b, Cancelled());
  terminal.progress->Finish({.failed = true, .image = {}, .names = {}});
  EXPECT_THAT(terminal.Look(),
              ElementsAre("$ build",                                   //
                          "[+] Building 1.0s (2/2)",                   //
                          " => ERROR [a 1/1] RUN a             1.0s",  //
                          " => CANCELED [b 1/1] RUN b          1.0s",  //
                          "------", " > [a 1/1] RUN a:", "line 1", "line 2", "line 3", "line 4",
                          "line 5", "line 6", "line 7", "line 8", "------"));
}

TEST(TerminalProgress, AWarningStandsAboveThePicture) {
  Terminal terminal({.width = 30, .height = 10});
  terminal.progress->Begin(OwnStep("a"));
  terminal.Look();
  terminal.progress->Warn("careful");
  EXPECT_THAT(terminal.LookAfter(1),
              ElementsAre("$ build", "WARNING: careful", "[+] Building 1.0s (0/1)",
                          " => a                     1.0s"));
  EXPECT_THAT(terminal.LookAfter(1),
              ElementsAre("$ build", "WARNING: careful", "[+] Building 2.0s (0/1)",
                          " => a                     2.0s"));
}

TEST(TerminalProgress, ALongWarningHasItsRows) {
  for (const size_t size : {11, 21, 22}) {
    Terminal terminal({.width = 30, .height = 10});
    for (int i = 0; i < 4; ++i) terminal.progress->Begin(OwnStep("step"));
    terminal.LookAfter(1);
    terminal.progress->Warn(std::string(size, 'x') + std::string(30, 'y'));
    std::vector<std::string> lines = terminal.LookAfter(1);
    const std::string text = "WARNING: " + std::string(size, 'x') + std::string(30, 'y');
    std::string shown;
    for (const std::string& line : lines) {
      if (line.find_first_of("xy") != std::string::npos) shown += line;
    }
    EXPECT_EQ(shown, text);
    EXPECT_EQ(lines.size(), 1 + (text.size() + 29) / 30 + 5);
  }
}

TEST(TerminalProgress, WithoutAnEndThePictureStays) {
  Terminal terminal({.width = 30, .height = 10});
  terminal.progress->Begin(OwnStep("a"));
  terminal.Look();
  terminal.progress.reset();
  terminal.Look();
  terminal.screen.Write("$ ");
  EXPECT_THAT(terminal.Look(), ElementsAre("$ build", "[+] Building 0.0s (0/1)",
                                           " => a                     0.0s", "$"));
}

TEST(TerminalProgress, NothingAboveIsLostInTerminalsOfAnySize) {
  for (size_t width : {1, 5, 13, 20, 80, 300}) {
    for (size_t height : {1, 2, 3, 5, 8, 50}) {
      Terminal terminal({.width = width, .height = height});
      for (int i = 1; i <= 30; ++i) {
        const size_t step = terminal.progress->Begin(OwnStep("step " + std::to_string(i)));
        for (int line = 0; line < i % 8; ++line)
          terminal.progress->Output(step, std::string(i * 10U, 'x') + "\n", false);
        terminal.LookAfter(0.2);
        if (i % 3 != 0) terminal.progress->End(step, false, {});
        terminal.LookAfter(0.2);
      }
      const std::vector<std::string> lines = terminal.Look();
      const std::string first = std::string("$ build").substr(0, width);
      EXPECT_EQ(lines[0], first == "$ " ? "$" : first) << width << "x" << height;
      size_t headers = 0;
      for (const std::string& line : lines) headers += line.starts_with("[") ? 1 : 0;
      EXPECT_EQ(headers, 1U) << width << "x" << height;
    }
  }
}

TEST(TerminalProgress, AChangeOfTheSizeLeavesOnePictureAndWhatIsAboveIt) {
  Terminal terminal({.width = 40, .height = 20});
  for (int i = 1; i <= 10; ++i) terminal.progress->Begin(OwnStep("step " + std::to_string(i)));
  terminal.LookAfter(1);
  terminal.Resize({.width = 60, .height = 20});
  EXPECT_EQ(terminal.LookAfter(1).size(), 12U);
  terminal.Resize({.width = 60, .height = 6});
  terminal.LookAfter(1);
  terminal.Resize({.width = 60, .height = 20});
  std::vector<std::string> lines = terminal.LookAfter(1);
  EXPECT_EQ(lines[0], "$ build");
  EXPECT_EQ(lines.back(), " => step 10" + std::string(45, ' ') + "4.0s");
  // Narrower: the lines of the last picture are perhaps broken, and so it is left alone.
  terminal.Resize({.width = 30, .height = 20});
  terminal.LookAfter(1);
  lines = terminal.LookAfter(1);
  EXPECT_EQ(lines.back(), " => step 10               6.0s");
  EXPECT_EQ(terminal.LookAfter(1).size(), lines.size());
}

TEST(TerminalProgress, ColorsTellHowAStepEnded) {
  Terminal terminal({.width = 40, .height = 20}, true);
  terminal.progress->End(terminal.progress->Begin(OwnStep("good")), false, {});
  terminal.progress->Fail(terminal.progress->Begin(OwnStep("bad")), Error("x"));
  const size_t run = terminal.progress->Begin(OwnStep("run"));
  terminal.progress->Output(run, "text", false);
  terminal.record.now += 1;
  terminal.progress->Tick();
  const std::string text = terminal.record.Take();
  EXPECT_THAT(text, HasSubstr("\x1b[34m => good"));
  EXPECT_THAT(text, HasSubstr("\x1b[31m => ERROR bad"));
  EXPECT_THAT(text, HasSubstr("\x1b[2K => run"));
  EXPECT_THAT(text, HasSubstr("\x1b[2m => => # text\x1b[0m"));
  terminal.record.Take();
  Terminal plain({.width = 40, .height = 20}, false);
  plain.progress->End(plain.progress->Begin(OwnStep("good")), false, {});
  plain.record.now += 1;
  plain.progress->Tick();
  EXPECT_THAT(plain.record.Take(), Not(HasSubstr("m => good")));
}

TEST(TerminalFrame, LittleRoomIsForWhatRuns) {
  BuildFrame frame;
  for (int i = 1; i <= 6; ++i) {
    FrameStep step;
    step.name = "s" + std::to_string(i);
    step.state = i % 2 == 0 ? FrameStep::State::kRunning : FrameStep::State::kDone;
    if (i % 2 == 0) step.output = {"o1", "o2"};
    frame.steps.push_back(step);
  }
  const auto names = [&](size_t height, bool whole) {
    std::string text;
    for (const FrameLine& line : FrameLines(frame, {.width = 12, .height = height}, whole))
      text += line.text + "|";
    return text;
  };
  EXPECT_EQ(names(1, false), "[+] Building|");
  EXPECT_EQ(names(3, false), "[+] Building| => s4| => s6|");
  EXPECT_EQ(names(4, false), "[+] Building| => s2| => s4| => s6|");
  EXPECT_EQ(names(7, false),
            "[+] Building| => s2| => s4| => => # o2| => s6| => => # o1| => => # o2|");
  EXPECT_EQ(names(11, false),
            "[+] Building| => s2| => => # o1| => => # o2| => s4| => => # o1| => => # o2| => s5|"
            " => s6| => => # o1| => => # o2|");
  EXPECT_EQ(FrameLines(frame, {.width = 10, .height = 3}, true).size(), 13U);
}

TEST(TerminalFrame, NoLineIsWiderThanTheTerminal) {
  BuildFrame frame;
  FrameStep step;
  step.name = "日本語 and a long name of a step";
  step.seconds = 12345.6;
  step.output = {"日本語日本語日本語日本語", ""};
  step.statuses = {"a status of some length"};
  frame.steps.push_back(step);
  for (size_t width = 0; width < 60; ++width) {
    for (const FrameLine& line : FrameLines(frame, {.width = width, .height = 10}, false))
      EXPECT_LE(TextColumns(line.text), width) << line.text;
  }
  EXPECT_EQ(FrameLines(frame, {.width = 30, .height = 10}, false)[1].text,
            " => 日本語 and a long 12345.6s");
}

}  // namespace
}  // namespace veneer
