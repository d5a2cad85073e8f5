// SPDX-License-Identifier: Apache-2.0
//
// How far a long piece of work is: a bar on a terminal, plain lines, or nothing.
#ifndef VENEER_TOOLS_CLI_PROGRESS_H_
#define VENEER_TOOLS_CLI_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace veneer {

// Columns of the terminal that `fd` is; 80 where it is none.
size_t TerminalWidth(int fd);

enum class ProgressMode { kBar, kPlain, kNone };

// "auto" is a bar when standard error is a terminal, else nothing; "plain"; "none".
ProgressMode ProgressModeOf(std::string_view word);

// The line to show: "  45.2MB / 117MB  [=======>          ]  38%  120MB/s  1s left". With a `total`
// of 0, which means not known, only bytes and rate. In a narrow terminal the bar goes first, then
// the time left. Pure.
std::string ProgressLine(uint64_t done, uint64_t total, double seconds, size_t width);
// The same for a log, without the bar: "45.2MB / 117MB  38%  120MB/s  1s left". Pure.
std::string PlainProgressLine(uint64_t done, uint64_t total, double seconds);

class Progress {
 public:
  explicit Progress(ProgressMode mode);
  ~Progress();  // clears the bar's line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(uint64_t done, uint64_t total);

 private:
  const ProgressMode mode_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point shown_;
  bool drawn_ = false;
  bool ended_ = false;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_PROGRESS_H_
