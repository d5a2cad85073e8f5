// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/layer_display.h"

#include <unistd.h>

#include <algorithm>

#include "tools/cli/progress.h"
#include "tools/format/table.h"

namespace veneer {

namespace {

constexpr auto kLayerInterval = std::chrono::milliseconds(100);
constexpr size_t kLayerBarWidth = 50;

std::string StepText(const LayerEvent& event) {
  switch (event.step) {
    case LayerStep::kPullingFsLayer: return "Pulling fs layer";
    case LayerStep::kWaiting: return "Waiting";
    case LayerStep::kDownloading: return "Downloading";
    case LayerStep::kDownloadComplete: return "Download complete";
    case LayerStep::kPullComplete: return "Pull complete";
    case LayerStep::kAlreadyExists: return "Already exists";
    case LayerStep::kPreparing: return "Preparing";
    case LayerStep::kPushing: return "Pushing";
    case LayerStep::kPushingAnew:
      return "Pushing again from the start, as the registry has lost it";
    case LayerStep::kPushed: return "Pushed";
    case LayerStep::kLayerAlreadyExists: return "Layer already exists";
    case LayerStep::kMounted: return "Mounted from " + event.from;
  }
  return "";
}

// A step that changes by the moment: of no use in a log.
bool IsOnTheWay(LayerStep step) {
  return step == LayerStep::kDownloading || step == LayerStep::kPushing;
}

}  // namespace

std::string LayerText(const LayerEvent& event, size_t width) {
  std::string text = event.layer + ": " + StepText(event);
  if (IsOnTheWay(event.step) && event.total > 0) {
    const std::string sizes = HumanSize(event.done) + "/" + HumanSize(event.total);
    const size_t filled =
        std::min<uint64_t>(kLayerBarWidth, event.done * kLayerBarWidth / event.total);
    std::string bar(filled, '=');
    if (filled < kLayerBarWidth) bar += '>';
    bar.resize(kLayerBarWidth, ' ');
    const std::string with_bar = text + " [" + bar + "]  " + sizes;
    text = with_bar.size() <= width ? with_bar : text + " " + sizes;
  }
  if (text.size() > width) text.resize(width);
  return text;
}

LayerDisplay::LayerDisplay(FILE* out)
    : out_(out), terminal_(out != nullptr && ::isatty(fileno(out)) != 0) {}

void LayerDisplay::Write(std::string_view text) {
  fwrite(text.data(), 1, text.size(), out_);
  fflush(out_);
}

void LayerDisplay::Line(std::string_view text) {
  if (out_ != nullptr) Write(std::string(text) + "\n");
}

void LayerDisplay::Show(const LayerEvent& event) {
  if (out_ == nullptr) return;
  const auto now = std::chrono::steady_clock::now();
  const auto [at, is_new] =
      lines_.try_emplace(event.layer, LayerLine{lines_.size(), event.step, now});
  LayerLine& line = at->second;
  const bool same = !is_new && line.step == event.step;
  line.step = event.step;
  if (!terminal_) {
    if (!same && !IsOnTheWay(event.step)) Line(LayerText(event, SIZE_MAX));
    return;
  }
  if (same && now - line.shown < kLayerInterval) return;
  line.shown = now;
  const std::string text = LayerText(event, TerminalWidth(fileno(out_)) - 1);
  if (is_new) {
    Line(text);
  } else {
    const std::string up = std::to_string(lines_.size() - line.number);
    Write("\x1b[" + up + "A\r\x1b[K" + text + "\x1b[" + up + "B\r");
  }
}

}  // namespace veneer
