// SPDX-License-Identifier: Apache-2.0
//
// The forms of a build's progress, over what they write to, what time it is and how large the
// terminal is, so that tests give all three. MakeBuildProgress() gives those of the system.
//
// Each writes what belongs together in one call.
#ifndef VENEER_TOOLS_BUILD_PROGRESS_DISPLAY_H_
#define VENEER_TOOLS_BUILD_PROGRESS_DISPLAY_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/mutex.h"
#include "layerdb/threads/worker.h"
#include "tools/build/build_progress.h"

namespace veneer {

struct ProgressSink {
  std::function<void(std::string_view)> write;
  std::function<double()> clock;  // seconds since any moment
  // Output of commands is filtered (OutputFilter). Elsewhere it stays as it is.
  bool terminal = false;
};

struct TerminalSize {
  size_t width = 80;
  size_t height = 24;
};

// Calls a function ten times a second, in a thread of its own, as long as it lives.
class ProgressTicker {
 public:
  explicit ProgressTicker(std::function<void()> tick);
  ~ProgressTicker();

 private:
  Mutex mutex_;
  CondVar stopped_;
  bool stop_ GUARDED_BY(mutex_) = false;
  Worker thread_;  // last: it uses the others
};

// One that has something to do when nothing happens.
class TickedProgress : public BuildProgress {
 public:
  virtual void Tick() = 0;
  // Ticks by itself from now on.
  void Start() {
    ticker_.emplace([this] { Tick(); });
  }

 protected:
  // The destructor of each class does this first.
  void Stop() { ticker_.reset(); }

 private:
  std::optional<ProgressTicker> ticker_;
};

std::unique_ptr<TickedProgress> MakePlainProgress(ProgressSink sink);
// `size` is asked anew for each picture. `colors`: steps in the colours of their ends.
std::unique_ptr<TickedProgress> MakeTerminalProgress(ProgressSink sink,
                                                     std::function<TerminalSize()> size,
                                                     bool colors);
std::unique_ptr<BuildProgress> MakeClassicProgress(ProgressSink sink);
// `time`: the present moment as RFC 3339 has it.
std::unique_ptr<BuildProgress> MakeJsonProgress(ProgressSink sink,
                                                std::function<std::string()> time);
std::unique_ptr<BuildProgress> MakeQuietProgress(ProgressSink sink);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_PROGRESS_DISPLAY_H_
