// SPDX-License-Identifier: Apache-2.0
//
// LayerDisplay: shows a pull or a push as Docker does: what it is of, its layers, and the result.
// On a terminal each layer has a line that changes in its place, elsewhere a line for each step.
// Not thread-safe.
#ifndef VENEER_TOOLS_CLI_LAYER_DISPLAY_H_
#define VENEER_TOOLS_CLI_LAYER_DISPLAY_H_

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include "tools/registry/layer_event.h"

namespace veneer {

class LayerDisplay {
 public:
  // Writes to `out`, which outlives it: standard output where the pull is the command, standard
  // error where the command has an output of its own. nullptr: nothing is shown.
  explicit LayerDisplay(FILE* out);
  ~LayerDisplay() = default;
  LayerDisplay(const LayerDisplay&) = delete;
  LayerDisplay& operator=(const LayerDisplay&) = delete;

  void Show(const LayerEvent& event);
  // A line of the pull as a whole.
  void Line(std::string_view text);

 private:
  struct LayerLine {
    size_t number = 0;
    LayerStep step = LayerStep::kPullingFsLayer;
    std::chrono::steady_clock::time_point shown;
  };

  void Write(std::string_view text);

  FILE* const out_;
  const bool terminal_;
  std::map<std::string, LayerLine> lines_;  // by layer
};

// "0123456789ab: Downloading [====>   ]  12.3MB/45.6MB", at most `width` columns. Pure.
std::string LayerText(const LayerEvent& event, size_t width);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_LAYER_DISPLAY_H_
