// SPDX-License-Identifier: Apache-2.0
//
// Lines for a log or a pipe, in the form of BuildKit's plain printer:
//
//   #5 [builder 2/3] RUN make
//   #5 0.123 a line of output
//   #5 DONE 0.3s
//
// Lines of several steps come in blocks: a step has the word until it ends, is silent for a while,
// or another has waited long. Then "#5 ..." says that it goes on, and its name comes once more.
#include <cerrno>
#include <deque>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/build/progress_display.h"
#include "tools/build/progress_text.h"

namespace veneer {

namespace {

constexpr double kSilence = 1;
constexpr double kPatience = 5;
constexpr size_t kMaxPlainLine = size_t{64} << 10;
// Of a failed step, as BuildKit repeats them.
constexpr size_t kFailureLines = 10;

struct PlainStep {
  std::string name;
  double begin = 0;
  OutputFilter filter;
  std::string line;                 // not ended yet
  std::deque<std::string> waiting;  // lines that are not written
  double waiting_since = 0;
  std::deque<std::string> last;  // lines of output
};

class PlainProgress : public TickedProgress {
 public:
  explicit PlainProgress(ProgressSink sink) : sink_(std::move(sink)) {}
  ~PlainProgress() override { Stop(); }

  size_t Begin(const StepTitle& title) override {
    const MutexLock lock(mutex_);
    steps_.emplace_back();
    steps_.back().name = StepName(title);
    steps_.back().begin = sink_.clock();
    const size_t id = steps_.size();
    if (current_ == 0) {
      GiveWordTo(id);
      Write();
    }
    return id;
  }

  void Output(size_t id, std::string_view bytes, bool /*error_stream*/) override {
    const MutexLock lock(mutex_);
    PlainStep& step = steps_[id - 1];
    step.line += sink_.terminal ? step.filter.Feed(bytes) : std::string(bytes);
    size_t begin = 0;
    for (size_t end = 0; (end = step.line.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      AddLine(step, step.line.substr(begin, end - begin));
    }
    step.line.erase(0, begin);
    if (step.line.size() > kMaxPlainLine) AddLine(step, std::exchange(step.line, {}));
    WriteWhatMayBe();
  }

  void Status(size_t id, const std::string& text) override {
    const MutexLock lock(mutex_);
    Wait(steps_[id - 1], Printable(text) + " done");
    WriteWhatMayBe();
  }

  void RunningIn(size_t /*id*/, const std::string& /*container*/) override {}

  void End(size_t id, bool cached, const std::optional<Digest>& /*image*/) override {
    const MutexLock lock(mutex_);
    const double seconds = sink_.clock() - steps_[id - 1].begin;
    EndWith(id, cached ? "CACHED" : "DONE " + SecondsText(seconds) + "s");
    steps_[id - 1].last.clear();
  }

  void Fail(size_t id, const Error& error) override {
    const MutexLock lock(mutex_);
    const bool cancelled = error.code() == ECANCELED;
    EndWith(id, cancelled ? "CANCELED" : "ERROR: " + FailureText(error));
    if (!cancelled) failed_.push_back(id);
  }

  void Warn(const std::string& line) override {
    const MutexLock lock(mutex_);
    TakeWord();
    if (wrote_) text_ += '\n';
    wrote_ = true;
    text_ += "WARNING: " + Printable(line) + "\n";
    Write();
  }

  void Finish(const BuildEnd& /*end*/) override {
    const MutexLock lock(mutex_);
    for (const size_t id : std::exchange(failed_, {})) {
      const PlainStep& step = steps_[id - 1];
      text_ += FailureBlock(step.name, {step.last.begin(), step.last.end()});
    }
    Write();
  }

  void Tick() override {
    const MutexLock lock(mutex_);
    WriteWhatMayBe();
  }

 private:
  void Wait(PlainStep& step, std::string line) REQUIRES(mutex_) {
    if (step.waiting.empty()) step.waiting_since = sink_.clock();
    step.waiting.push_back(std::move(line));
  }

  void AddLine(PlainStep& step, std::string line) REQUIRES(mutex_) {
    if (sink_.terminal) {
      // As it looks after carriage returns.
      while (line.ends_with('\r')) line.pop_back();
      line.erase(0, line.rfind('\r') + 1);
    }
    line = SecondsText(sink_.clock() - step.begin, true) + " " + line;
    step.last.push_back(line);
    if (step.last.size() > kFailureLines) step.last.pop_front();
    Wait(step, std::move(line));
  }

  void TakeWord() REQUIRES(mutex_) {
    if (current_ != 0) text_ += "#" + std::to_string(current_) + " ...\n";
    current_ = 0;
  }

  void GiveWordTo(size_t id) REQUIRES(mutex_) {
    if (current_ == id) return;
    TakeWord();
    if (wrote_) text_ += '\n';
    wrote_ = true;
    current_ = id;
    text_ += "#" + std::to_string(id) + " " + steps_[id - 1].name + "\n";
    spoke_ = sink_.clock();
  }

  void Speak() REQUIRES(mutex_) {
    std::deque<std::string> lines = std::exchange(steps_[current_ - 1].waiting, {});
    for (const std::string& line : lines) {
      text_.append("#").append(std::to_string(current_)).append(" ").append(line).append("\n");
    }
    if (!lines.empty()) spoke_ = sink_.clock();
  }

  // The step, but for the current one, whose lines wait longest; 0: none.
  size_t LongestWaiting() const REQUIRES(mutex_) {
    size_t longest = 0;
    for (size_t id = 1; id <= steps_.size(); ++id) {
      const PlainStep& step = steps_[id - 1];
      if (id == current_ || step.waiting.empty()) continue;
      if (longest == 0 || step.waiting_since < steps_[longest - 1].waiting_since) longest = id;
    }
    return longest;
  }

  void WriteWhatMayBe() REQUIRES(mutex_) {
    if (current_ != 0) Speak();
    const double now = sink_.clock();
    const size_t other = LongestWaiting();
    if (other != 0 && (current_ == 0 || now - spoke_ >= kSilence ||
                       now - steps_[other - 1].waiting_since >= kPatience)) {
      GiveWordTo(other);
      Speak();
    }
    Write();
  }

  void EndWith(size_t id, const std::string& how) REQUIRES(mutex_) {
    PlainStep& step = steps_[id - 1];
    step.line += step.filter.Finish();
    if (!step.line.empty()) AddLine(step, std::exchange(step.line, {}));
    GiveWordTo(id);
    Speak();
    text_ += "#" + std::to_string(id) + " " + how + "\n";
    current_ = 0;
    WriteWhatMayBe();
  }

  void Write() REQUIRES(mutex_) {
    if (!text_.empty()) sink_.write(std::exchange(text_, {}));
  }

  const ProgressSink sink_;
  Mutex mutex_;
  std::deque<PlainStep> steps_ GUARDED_BY(mutex_);  // the first has the id 1
  size_t current_ GUARDED_BY(mutex_) = 0;           // has the word; 0: none
  double spoke_ GUARDED_BY(mutex_) = 0;
  bool wrote_ GUARDED_BY(mutex_) = false;
  std::string text_ GUARDED_BY(mutex_);  // to be written in one call
  std::vector<size_t> failed_ GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<TickedProgress> MakePlainProgress(ProgressSink sink) {
  return std::make_unique<PlainProgress>(std::move(sink));
}

}  // namespace veneer
