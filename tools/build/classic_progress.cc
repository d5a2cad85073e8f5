// SPDX-License-Identifier: Apache-2.0
//
// The lines of Docker's classic builder (statement B11), which programs read:
//
//   Step 2/3 : RUN make
//    ---> Running in 3bcb3ca62783
//   Removing intermediate container 3bcb3ca62783
//    ---> 5f80b444ca7a
//
// They come in the order of the steps, though stages run side by side: what a step says while one
// before it runs waits for it. And the form that shows nothing.
#include <cerrno>
#include <map>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/build/progress_display.h"
#include "tools/build/progress_text.h"

namespace veneer {

namespace {

constexpr size_t kShortId = 12;

struct ClassicStep {
  size_t order = 0;  // 0: it is not shown
  std::string container;
  OutputFilter filter;
  bool line_open = false;  // the output has no new line at its end
};

struct WaitingText {
  std::string text;
  bool ended = false;
};

class ClassicProgress : public BuildProgress {
 public:
  explicit ClassicProgress(ProgressSink sink) : sink_(std::move(sink)) {}

  bool TellsConfigSteps() const override { return true; }

  size_t Begin(const StepTitle& title) override {
    const MutexLock lock(mutex_);
    steps_.push_back({.order = title.order, .container = {}, .filter = {}});
    Say(steps_.back(), "Step " + std::to_string(title.order) + "/" + std::to_string(title.total) +
                           " : " + StepText(title) + "\n");
    return steps_.size();
  }

  void Output(size_t id, std::string_view bytes, bool /*error_stream*/) override {
    const MutexLock lock(mutex_);
    ClassicStep& step = steps_[id - 1];
    const std::string text = sink_.terminal ? step.filter.Feed(bytes) : std::string(bytes);
    if (text.empty()) return;
    step.line_open = text.back() != '\n';
    Say(step, text);
  }

  void Status(size_t /*id*/, const std::string& /*text*/) override {}

  void RunningIn(size_t id, const std::string& container) override {
    const MutexLock lock(mutex_);
    ClassicStep& step = steps_[id - 1];
    const bool is_id = Digest::FromHex(container).has_value();
    step.container = is_id ? container.substr(0, kShortId) : Printable(container);
    Say(step, " ---> Running in " + step.container + "\n");
  }

  void End(size_t id, bool cached, const std::optional<Digest>& image) override {
    const MutexLock lock(mutex_);
    ClassicStep& step = steps_[id - 1];
    std::string text = EndOfOutput(step);
    if (cached) text += " ---> Using cache\n";
    if (!step.container.empty()) text += "Removing intermediate container " + step.container + "\n";
    if (image) text += " ---> " + image->hex().substr(0, kShortId) + "\n";
    Say(step, text);
    EndStep(step.order);
  }

  void Fail(size_t id, const Error& /*error*/) override {
    const MutexLock lock(mutex_);
    ClassicStep& step = steps_[id - 1];
    Say(step, EndOfOutput(step));
    EndStep(step.order);
  }

  void Warn(const std::string& line) override {
    const MutexLock lock(mutex_);
    sink_.write("[Warning] " + Printable(line) + "\n");
  }

  void Finish(const BuildEnd& end) override {
    const MutexLock lock(mutex_);
    // After a failure there are steps that never began.
    for (auto& [order, waiting] : std::exchange(waiting_, {})) sink_.write(waiting.text);
    if (end.failed) return;
    std::string text;
    if (end.image) text = "Successfully built " + end.image->hex().substr(0, kShortId) + "\n";
    for (const std::string& name : end.names) text += "Successfully tagged " + name + "\n";
    if (!text.empty()) sink_.write(text);
  }

 private:
  void Say(const ClassicStep& step, const std::string& text) REQUIRES(mutex_) {
    if (step.order == 0 || text.empty()) return;
    if (step.order <= next_) {
      sink_.write(text);
    } else {
      waiting_[step.order].text += text;
    }
  }

  static std::string EndOfOutput(ClassicStep& step) {
    std::string text = step.filter.Finish();
    if (!text.empty() || std::exchange(step.line_open, false)) text += '\n';
    return text;
  }

  void EndStep(size_t order) REQUIRES(mutex_) {
    if (order == 0) return;
    if (order != next_) {
      waiting_[order].ended = true;
      return;
    }
    // Those behind it that have ended, and what the first that runs has said.
    for (bool ended = true; ended;) {
      ++next_;
      const auto waiting = waiting_.find(next_);
      if (waiting == waiting_.end()) return;
      if (!waiting->second.text.empty()) sink_.write(waiting->second.text);
      ended = waiting->second.ended;
      waiting_.erase(waiting);
    }
  }

  const ProgressSink sink_;
  Mutex mutex_;
  std::vector<ClassicStep> steps_ GUARDED_BY(mutex_);
  size_t next_ GUARDED_BY(mutex_) = 1;                        // the first that has not ended
  std::map<size_t, WaitingText> waiting_ GUARDED_BY(mutex_);  // by their order
};

struct QuietStep {
  std::string name;
  OutputFilter filter;
  OutputTail tail{SIZE_MAX, size_t{64} << 10};
};

class QuietProgress : public BuildProgress {
 public:
  explicit QuietProgress(ProgressSink sink) : sink_(std::move(sink)) {}

  size_t Begin(const StepTitle& title) override {
    const MutexLock lock(mutex_);
    steps_.emplace(++count_, QuietStep{.name = StepName(title), .filter = {}});
    return count_;
  }
  void Output(size_t id, std::string_view bytes, bool /*error_stream*/) override {
    const MutexLock lock(mutex_);
    QuietStep& step = steps_.at(id);
    step.tail.Feed(step.filter.Feed(bytes));
  }
  void Status(size_t /*id*/, const std::string& /*text*/) override {}
  void RunningIn(size_t /*id*/, const std::string& /*container*/) override {}
  void End(size_t id, bool /*cached*/, const std::optional<Digest>& /*image*/) override {
    const MutexLock lock(mutex_);
    steps_.erase(id);
  }
  void Fail(size_t id, const Error& error) override {
    const MutexLock lock(mutex_);
    const QuietStep& step = steps_.at(id);
    if (error.code() != ECANCELED) {
      sink_.write(FailureBlock(step.name, step.tail.Last(SIZE_MAX)));
    }
    steps_.erase(id);
  }
  void Warn(const std::string& /*line*/) override {}
  void Finish(const BuildEnd& /*end*/) override {}

 private:
  const ProgressSink sink_;
  Mutex mutex_;
  size_t count_ GUARDED_BY(mutex_) = 0;
  std::map<size_t, QuietStep> steps_ GUARDED_BY(mutex_);  // that run
};

}  // namespace

std::unique_ptr<BuildProgress> MakeClassicProgress(ProgressSink sink) {
  return std::make_unique<ClassicProgress>(std::move(sink));
}

std::unique_ptr<BuildProgress> MakeQuietProgress(ProgressSink sink) {
  return std::make_unique<QuietProgress>(std::move(sink));
}

}  // namespace veneer
