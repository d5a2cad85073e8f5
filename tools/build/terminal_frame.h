// SPDX-License-Identifier: Apache-2.0
//
// One picture of a build on a terminal, in BuildKit's form: how many steps are done, a line for
// each step with its time at the right, and below a running one the last lines of its output.
//
// Pure functions.
#ifndef VENEER_TOOLS_BUILD_TERMINAL_FRAME_H_
#define VENEER_TOOLS_BUILD_TERMINAL_FRAME_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tools/build/progress_display.h"

namespace veneer {

// Lines of output below a running step.
inline constexpr size_t kOutputWindow = 6;

struct FrameStep {
  enum class State { kRunning, kDone, kCached, kFailed, kCancelled };

  std::string name;  // one line of printable characters
  State state = State::kRunning;
  double seconds = 0;
  std::vector<std::string> statuses;  // "writing image …"
  std::vector<std::string> output;    // of a running one: the last lines, kOutputWindow at most
};

struct BuildFrame {
  double seconds = 0;
  size_t done = 0;
  size_t total = 0;
  bool finished = false;  // nothing is left, and nothing has failed
  std::vector<FrameStep> steps;
};

struct FrameLine {
  enum class Style { kPlain, kDone, kFailed, kCancelled, kOutput };

  std::string text;
  Style style = Style::kPlain;
};

// No line is wider than `size.width`. With `whole` everything has its line; else there are at most
// `size.height` lines. Where that is too little, running steps go before their output, that before
// ended steps, and those that began later before others.
std::vector<FrameLine> FrameLines(const BuildFrame& frame, const TerminalSize& size, bool whole);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_TERMINAL_FRAME_H_
