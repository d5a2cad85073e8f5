// SPDX-License-Identifier: Apache-2.0
//
// The texts of a build's progress: names of steps, times, and the output of commands, which must
// not steer the terminal that it is shown on. Values; not thread-safe.
#ifndef VENEER_TOOLS_BUILD_PROGRESS_TEXT_H_
#define VENEER_TOOLS_BUILD_PROGRESS_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tools/build/build_progress.h"

namespace veneer {

// "[builder 2/3] RUN make", or the text alone: one line of printable characters.
std::string StepName(const StepTitle& title);
// The text of a step in the same way.
std::string StepText(const StepTitle& title);

// Why a step failed, on one line; "context canceled" for one that was cancelled, as BuildKit says.
std::string FailureText(const Error& error);

// "1.2"; with `fine` as BuildKit writes the time of a line: "0.123", "12.34", "123.4".
std::string SecondsText(double seconds, bool fine = false);

// What a failed step wrote, between lines of dashes.
std::string FailureBlock(std::string_view name, const std::vector<std::string>& lines);

// Takes escape sequences and control characters out of output. New lines, tabs and carriage returns
// stay; what is no character becomes '?'. Sequences and characters may come in pieces. A sequence
// that does not end takes no more than its line away.
class OutputFilter {
 public:
  std::string Feed(std::string_view bytes);
  // What was the beginning of a character.
  std::string Finish();

 private:
  enum class State { kText, kEscape, kParameters, kString, kStringEscape };
  void Take(unsigned char byte, std::string* text);
  void TakeText(unsigned char byte, std::string* text);
  void Flush(std::string* text);

  State state_ = State::kText;
  std::string character_;  // the bytes of one that are there
};

// The last lines of a filtered output, as they look after carriage returns, with blanks for tabs.
class OutputTail {
 public:
  OutputTail(size_t max_lines, size_t max_bytes) : max_lines_(max_lines), max_bytes_(max_bytes) {}

  void Feed(std::string_view text);
  // At most `count`, the oldest first; with the last one though it has not ended, if it has text.
  std::vector<std::string> Last(size_t count) const;
  bool empty() const { return lines_.empty() && line_.empty(); }
  // Lines are gone.
  bool cut() const { return cut_; }

 private:
  void EndLine();

  size_t max_lines_;
  size_t max_bytes_;
  std::deque<std::string> lines_;
  size_t bytes_ = 0;
  bool cut_ = false;
  std::string line_;
  bool returned_ = false;  // the next character is the first of the line
};

// Columns that a terminal needs: two for a wide character, none for a mark on another one.
size_t TextColumns(std::string_view text);
// The beginning of a text that has room in `width` columns.
std::string_view FitColumns(std::string_view text, size_t width);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_PROGRESS_TEXT_H_
