// SPDX-License-Identifier: Apache-2.0
//
// A sink for a build's progress, with a clock that the test sets.
#ifndef VENEER_TESTS_UNIT_BUILD_PROGRESS_FIXTURE_H_
#define VENEER_TESTS_UNIT_BUILD_PROGRESS_FIXTURE_H_

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "tools/build/progress_display.h"

namespace veneer {

struct ProgressRecord {
  std::string text;
  double now = 100;

  ProgressSink Sink(bool terminal = false) {
    return {.write = [this](std::string_view more) { text += more; },
            .clock = [this] { return now; },
            .terminal = terminal};
  }
  // What was written since the last call.
  std::string Take() { return std::exchange(text, {}); }
};

inline StepTitle OwnStep(const std::string& text) {
  StepTitle title;
  title.text = text;
  return title;
}

inline StepTitle StageStep(const std::string& stage, size_t number, size_t count,
                           const std::string& text, size_t order = 0, size_t total = 0) {
  return {.stage = stage,
          .number = number,
          .count = count,
          .text = text,
          .order = order,
          .total = total};
}

inline Error Cancelled() { return Error("cancelled", ExitCode::kFailed, ECANCELED); }

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_BUILD_PROGRESS_FIXTURE_H_
