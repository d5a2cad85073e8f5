// SPDX-License-Identifier: Apache-2.0
//
// The picture of terminal_frame.h, drawn over the one before it. Between two pictures the terminal
// is as the build found it, with its cursor shown and lines wrapped: one that is killed leaves it
// so.
#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/build/progress_display.h"
#include "tools/build/progress_text.h"
#include "tools/build/terminal_frame.h"

namespace veneer {

namespace {

constexpr double kDrawInterval = 0.1;
// What is kept of the output of a step, to be shown when it fails.
constexpr size_t kMaxTail = size_t{64} << 10;

// A line that is too long, because the terminal takes a character for wider than we do, is cut and
// not wrapped.
constexpr std::string_view kBeginDrawing = "\x1b[?25l\x1b[?7l";
constexpr std::string_view kEndDrawing = "\x1b[?7h\x1b[?25h";
constexpr std::string_view kWrap = "\x1b[?7h";
constexpr std::string_view kNoWrap = "\x1b[?7l";
constexpr std::string_view kEraseRight = "\x1b[K";
constexpr std::string_view kEraseLine = "\x1b[2K";
constexpr std::string_view kEraseBelow = "\x1b[J";
constexpr std::string_view kPlainText = "\x1b[0m";

std::string_view ColorOf(FrameLine::Style style) {
  switch (style) {
    case FrameLine::Style::kDone: return "\x1b[34m";
    case FrameLine::Style::kFailed: return "\x1b[31m";
    case FrameLine::Style::kCancelled: return "\x1b[33m";
    case FrameLine::Style::kOutput: return "\x1b[2m";
    case FrameLine::Style::kPlain: break;
  }
  return "";
}

struct TerminalStep {
  std::string name;
  FrameStep::State state = FrameStep::State::kRunning;
  double begin = 0;
  double end = 0;
  std::vector<std::string> statuses;
  OutputFilter filter;
  OutputTail tail{SIZE_MAX, kMaxTail};
};

class TerminalProgress : public TickedProgress {
 public:
  TerminalProgress(ProgressSink sink, std::function<TerminalSize()> size, bool colors)
      : sink_(std::move(sink)), size_(std::move(size)), colors_(colors), begin_(sink_.clock()) {}

  ~TerminalProgress() override {
    Stop();
    const MutexLock lock(mutex_);
    if (lines_ != 0) DrawLast(/*failed=*/true);
  }

  size_t Begin(const StepTitle& title) override {
    const MutexLock lock(mutex_);
    steps_.emplace_back();
    steps_.back().name = StepName(title);
    steps_.back().begin = sink_.clock();
    if (title.order == 0) ++own_steps_;
    total_ = std::max(total_, title.total);
    DrawIfDue();
    return steps_.size();
  }

  void Output(size_t id, std::string_view bytes, bool /*error_stream*/) override {
    const MutexLock lock(mutex_);
    TerminalStep& step = steps_[id - 1];
    step.tail.Feed(step.filter.Feed(bytes));
    DrawIfDue();
  }

  void Status(size_t id, const std::string& text) override {
    const MutexLock lock(mutex_);
    steps_[id - 1].statuses.push_back(Printable(text));
    DrawIfDue();
  }

  void RunningIn(size_t /*id*/, const std::string& /*container*/) override {}

  void End(size_t id, bool cached, const std::optional<Digest>& /*image*/) override {
    const MutexLock lock(mutex_);
    EndAs(id, cached ? FrameStep::State::kCached : FrameStep::State::kDone);
    steps_[id - 1].tail = OutputTail(SIZE_MAX, kMaxTail);
  }

  void Fail(size_t id, const Error& error) override {
    const MutexLock lock(mutex_);
    const bool cancelled = error.code() == ECANCELED;
    steps_[id - 1].tail.Feed(steps_[id - 1].filter.Finish());
    EndAs(id, cancelled ? FrameStep::State::kCancelled : FrameStep::State::kFailed);
  }

  void Warn(const std::string& line) override {
    const MutexLock lock(mutex_);
    above_.push_back("WARNING: " + Printable(line));
    DrawIfDue();
  }

  void Finish(const BuildEnd& end) override {
    const MutexLock lock(mutex_);
    DrawLast(end.failed);
  }

  void Tick() override {
    const MutexLock lock(mutex_);
    DrawIfDue();
  }

 private:
  void EndAs(size_t id, FrameStep::State state) REQUIRES(mutex_) {
    steps_[id - 1].state = state;
    steps_[id - 1].end = sink_.clock();
    DrawIfDue();
  }

  BuildFrame Frame(double now) const REQUIRES(mutex_) {
    BuildFrame frame;
    frame.seconds = now - begin_;
    for (const TerminalStep& step : steps_) {
      const bool running = step.state == FrameStep::State::kRunning;
      if (!running) ++frame.done;
      frame.steps.push_back(
          {.name = step.name,
           .state = step.state,
           .seconds = (running ? now : step.end) - step.begin,
           .statuses = step.statuses,
           .output = running ? step.tail.Last(kOutputWindow) : std::vector<std::string>()});
    }
    frame.total = std::max(steps_.size(), own_steps_ + total_);
    return frame;
  }

  void DrawIfDue() REQUIRES(mutex_) {
    const double now = sink_.clock();
    if (finished_ || now - drawn_at_ < kDrawInterval) return;
    drawn_at_ = now;
    const TerminalSize size = size_();
    if (size.width < width_ && lines_ != 0) {
      // The terminal may have broken our lines into more: where they begin is not known, and what
      // stands above them is not ours. Once the size stays, a new picture comes below.
      lines_ = 0;
      width_ = size.width;
      sink_.write("\r\n");
      return;
    }
    width_ = size.width;
    Draw(FrameLines(Frame(now), size, /*whole=*/false), size, /*last=*/false);
  }

  void Draw(const std::vector<FrameLine>& lines, const TerminalSize& size, bool last)
      REQUIRES(mutex_) {
    std::string text(kBeginDrawing);
    // The cursor stands in the last line.
    const size_t drawn = std::min(lines_, size.height);
    if (drawn > 1) text += "\x1b[" + std::to_string(drawn - 1) + "A";
    text += '\r';
    for (const std::string& line : std::exchange(above_, {})) {
      // It may have several rows; each but the last is filled. kEraseBelow in the first row of
      // the screen would make tmux keep the former picture.
      const bool filled = TextColumns(line) % std::max<size_t>(size.width, 1) == 0;
      text.append(kWrap).append(kEraseLine).append(line);
      text.append(filled ? "" : kEraseRight).append("\r\n").append(kNoWrap);
    }
    for (const FrameLine& line : lines) {
      if (&line != &lines.front()) text += "\r\n";
      const std::string_view color = colors_ ? ColorOf(line.style) : std::string_view();
      text.append(kEraseLine).append(color).append(line.text);
      if (!color.empty()) text += kPlainText;
    }
    // From the next line on: in the last column a terminal would erase the character there, too.
    if (last || lines.size() < drawn) text.append("\r\n").append(kEraseBelow);
    if (!last && lines.size() < drawn) text += "\x1b[A";
    text += kEndDrawing;
    lines_ = last ? 0 : lines.size();
    sink_.write(text);
  }

  void DrawLast(bool failed) REQUIRES(mutex_) {
    if (std::exchange(finished_, true)) return;
    BuildFrame frame = Frame(sink_.clock());
    frame.finished = !failed;
    if (frame.finished) frame.total = frame.done;
    const TerminalSize size = size_();
    if (size.width < width_ && lines_ != 0) {
      lines_ = 0;
      sink_.write("\r\n");
    }
    Draw(FrameLines(frame, size, /*whole=*/true), size, /*last=*/true);
    for (const TerminalStep& step : steps_) {
      if (step.state != FrameStep::State::kFailed) continue;
      sink_.write(FailureBlock(step.name, step.tail.Last(SIZE_MAX)));
    }
  }

  const ProgressSink sink_;
  const std::function<TerminalSize()> size_;
  const bool colors_;
  const double begin_;
  Mutex mutex_;
  std::deque<TerminalStep> steps_ GUARDED_BY(mutex_);  // the first has the id 1
  size_t own_steps_ GUARDED_BY(mutex_) = 0;            // of the build itself
  size_t total_ GUARDED_BY(mutex_) = 0;                // of the others, that are known to come
  std::vector<std::string> above_ GUARDED_BY(mutex_);  // lines above the next picture, once
  double drawn_at_ GUARDED_BY(mutex_) = -1;
  size_t lines_ GUARDED_BY(mutex_) = 0;  // of the picture that is there
  size_t width_ GUARDED_BY(mutex_) = 0;  // of the terminal, then
  bool finished_ GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<TickedProgress> MakeTerminalProgress(ProgressSink sink,
                                                     std::function<TerminalSize()> size,
                                                     bool colors) {
  return std::make_unique<TerminalProgress>(std::move(sink), std::move(size), colors);
}

}  // namespace veneer
