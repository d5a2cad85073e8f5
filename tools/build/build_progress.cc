// SPDX-License-Identifier: Apache-2.0
#include "tools/build/build_progress.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/build/progress_display.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

constexpr auto kTickInterval = std::chrono::milliseconds(100);

// A reader that is gone or slow is no failure of the build.
void WriteProgress(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready = {.fd = fd, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, -1) < 0 && errno != EINTR) return;
    } else if (errno != EINTR) {
      return;
    }
  }
}

double SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

TerminalSize SizeOf(int fd) {
  struct winsize size = {};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {.width = size.ws_col, .height = size.ws_row};
}

bool WantsColors() {
  const char* const refused = std::getenv("NO_COLOR");  // no-color.org
  return refused == nullptr || *refused == '\0';
}

ProgressSink SinkOf(int fd) {
  return {.write = [fd](std::string_view text) { WriteProgress(fd, text); },
          .clock = SteadySeconds,
          .terminal = ::isatty(fd) != 0};
}

}  // namespace

ProgressTicker::ProgressTicker(std::function<void()> tick)
    : thread_([this, tick = std::move(tick)]() -> Result<void> {
        for (;;) {
          {
            const MutexLock lock(mutex_);
            if (!stop_) stopped_.WaitFor(mutex_, kTickInterval);
            if (stop_) return {};
          }
          tick();
        }
      }) {}

ProgressTicker::~ProgressTicker() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  stopped_.NotifyAll();
}

Result<std::unique_ptr<BuildProgress>> MakeBuildProgress(std::string_view mode, bool quiet,
                                                         int output, int error) {
  ProgressSink sink = SinkOf(error);
  if (mode != "auto" && mode != "plain" && mode != "tty" && mode != "classic" &&
      mode != "rawjson" && mode != "quiet") {
    return MakeError("no form of progress is called " + QuotedExcerpt(mode) +
                         "; one of auto, plain, tty, classic, rawjson, quiet",
                     ExitCode::kUsage);
  }
  if (quiet || mode == "quiet") return MakeQuietProgress(std::move(sink));
  if (mode == "classic") return MakeClassicProgress(SinkOf(output));
  if (mode == "rawjson") {
    return MakeJsonProgress(std::move(sink), [] { return FormatRfc3339(Now()); });
  }
  if (mode == "tty" && !sink.terminal) {
    return MakeError("progress of the form tty: standard error is no terminal", ExitCode::kUsage);
  }
  std::unique_ptr<TickedProgress> progress;
  if (sink.terminal && mode != "plain") {
    progress = MakeTerminalProgress(
        std::move(sink), [error] { return SizeOf(error); }, WantsColors());
  } else {
    progress = MakePlainProgress(std::move(sink));
  }
  progress->Start();
  return progress;
}

}  // namespace veneer
