// SPDX-License-Identifier: Apache-2.0
#include "tools/build/terminal_frame.h"

#include <algorithm>
#include <string_view>

#include "tools/build/progress_text.h"

namespace veneer {

namespace {

// Less of a name than this is worth less than the time beside it.
constexpr size_t kLeastName = 12;

std::string Left(std::string_view text, size_t width) {
  return std::string(FitColumns(text, width));
}

// `left` and the time at the right edge, where there is room for both.
std::string WithTime(const std::string& left, double seconds, size_t width) {
  const std::string time = SecondsText(seconds < 0.05 ? 0 : seconds) + "s";
  if (width < kLeastName + time.size() + 1) return Left(left, width);
  std::string line = Left(left, width - time.size() - 1);
  line.append(width - time.size() - TextColumns(line), ' ');
  return line + time;
}

std::string_view Prefix(FrameStep::State state) {
  switch (state) {
    case FrameStep::State::kCached: return "CACHED ";
    case FrameStep::State::kFailed: return "ERROR ";
    case FrameStep::State::kCancelled: return "CANCELED ";
    default: return "";
  }
}

FrameLine::Style StyleOf(FrameStep::State state) {
  switch (state) {
    case FrameStep::State::kRunning: return FrameLine::Style::kPlain;
    case FrameStep::State::kFailed: return FrameLine::Style::kFailed;
    case FrameStep::State::kCancelled: return FrameLine::Style::kCancelled;
    default: return FrameLine::Style::kDone;
  }
}

// How many lines of each kind a step has in the picture.
struct Share {
  size_t step = 0;
  size_t statuses = 0;  // the last ones
  size_t output = 0;
};

std::vector<Share> Shares(const std::vector<FrameStep>& steps, size_t room) {
  std::vector<Share> shares(steps.size());
  const auto give = [&room](size_t wanted, size_t* share) {
    *share = std::min(wanted, room);
    room -= *share;
  };
  const auto for_each = [&](bool running, const auto& function) {
    for (size_t i = steps.size(); i-- > 0;) {
      if ((steps[i].state == FrameStep::State::kRunning) == running) function(i);
    }
  };
  for_each(true, [&](size_t i) { give(1, &shares[i].step); });
  for_each(true, [&](size_t i) {
    if (shares[i].step != 0) give(steps[i].output.size(), &shares[i].output);
  });
  for_each(false, [&](size_t i) { give(1, &shares[i].step); });
  for_each(false, [&](size_t i) {
    if (shares[i].step != 0) give(steps[i].statuses.size(), &shares[i].statuses);
  });
  for_each(true, [&](size_t i) {
    if (shares[i].step != 0) give(steps[i].statuses.size(), &shares[i].statuses);
  });
  return shares;
}

// The last `count` of them.
template <class Function>
void ForLast(const std::vector<std::string>& lines, size_t count, const Function& function) {
  for (size_t i = lines.size() - count; i < lines.size(); ++i) function(lines[i]);
}

}  // namespace

std::vector<FrameLine> FrameLines(const BuildFrame& frame, const TerminalSize& size, bool whole) {
  std::vector<FrameLine> lines;
  std::string header = "[+] Building " + SecondsText(frame.seconds) + "s (" +
                       std::to_string(frame.done) + "/" + std::to_string(frame.total) + ")";
  if (frame.finished) header += " FINISHED";
  lines.push_back({.text = Left(header, size.width)});

  const size_t room = whole ? SIZE_MAX : std::max<size_t>(size.height, 1) - 1;
  const std::vector<Share> shares = Shares(frame.steps, room);
  for (size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].step == 0) continue;
    const FrameStep& step = frame.steps[i];
    const FrameLine::Style style = StyleOf(step.state);
    const std::string name = std::string(" => ").append(Prefix(step.state)).append(step.name);
    lines.push_back({.text = WithTime(name, step.seconds, size.width), .style = style});
    ForLast(step.statuses, shares[i].statuses, [&](const std::string& status) {
      lines.push_back({.text = Left(" => => " + status, size.width), .style = style});
    });
    ForLast(step.output, shares[i].output, [&](const std::string& line) {
      lines.push_back(
          {.text = Left(" => => # " + line, size.width), .style = FrameLine::Style::kOutput});
    });
  }
  return lines;
}

}  // namespace veneer
