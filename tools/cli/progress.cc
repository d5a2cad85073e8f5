// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools/format/table.h"

namespace veneer {

namespace {

constexpr auto kPlainInterval = std::chrono::seconds(2);
constexpr size_t kBarWidth = 24;

std::string TimeLeft(double seconds) {
  const auto whole = static_cast<uint64_t>(seconds + 0.5);
  if (whole < 60) return std::to_string(whole) + "s left";
  if (whole < 3600) return std::to_string(whole / 60) + "m" + std::to_string(whole % 60) + "s left";
  return std::to_string(whole / 3600) + "h" + std::to_string(whole / 60 % 60) + "m left";
}

std::string Bar(double part) {
  const auto filled = static_cast<size_t>(part * kBarWidth);
  std::string bar(filled, '=');
  if (filled < kBarWidth) bar += '>';
  bar.resize(kBarWidth, ' ');
  return "  [" + bar + "]";
}

std::string Line(uint64_t done, uint64_t total, double seconds, bool with_bar,
                 bool with_time_left = true) {
  std::string line = HumanSize(done);
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  if (total != 0) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    line += " / " + HumanSize(total) + (with_bar ? Bar(part) : "") + "  " +
            std::to_string(static_cast<int>(part * 100)) + "%";
  }
  if (rate > 0) line += "  " + HumanSize(static_cast<uint64_t>(rate)) + "/s";
  if (with_time_left && total > done && rate > 0)
    line += "  " + TimeLeft(static_cast<double>(total - done) / rate);
  return line;
}

}  // namespace

size_t TerminalWidth(int fd) {
  struct winsize size = {};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

ProgressMode ProgressModeOf(std::string_view word) {
  if (word == "none") return ProgressMode::kNone;
  if (word == "plain") return ProgressMode::kPlain;
  return ::isatty(STDERR_FILENO) != 0 ? ProgressMode::kBar : ProgressMode::kNone;
}

std::string ProgressLine(uint64_t done, uint64_t total, double seconds, size_t width) {
  std::string line = Line(done, total, seconds, true);
  // Where there is no room for all, per cent and rate are the last to go.
  if (line.size() > width) line = Line(done, total, seconds, false);
  if (line.size() > width) line = Line(done, total, seconds, false, false);
  if (line.size() > width) line.resize(width);
  return line;
}

std::string PlainProgressLine(uint64_t done, uint64_t total, double seconds) {
  return Line(done, total, seconds, false);
}

Progress::Progress(ProgressMode mode)
    : mode_(mode), start_(std::chrono::steady_clock::now()), shown_(start_) {}

Progress::~Progress() {
  if (drawn_ && mode_ == ProgressMode::kBar) fputs("\r\x1b[K", stderr);
}

void Progress::Update(uint64_t done, uint64_t total) {
  if (mode_ == ProgressMode::kNone) return;
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  if (mode_ == ProgressMode::kBar) {
    const std::string line =
        "\r" + ProgressLine(done, total, seconds, TerminalWidth(STDERR_FILENO) - 1) + "\x1b[K";
    fputs(line.c_str(), stderr);
    drawn_ = true;
    return;
  }
  const bool end = total != 0 && done >= total;
  if (ended_ || (now - shown_ < kPlainInterval && !end)) return;
  shown_ = now;
  ended_ = end;
  const std::string line = PlainProgressLine(done, total, seconds) + "\n";
  fputs(line.c_str(), stderr);
}

}  // namespace veneer
