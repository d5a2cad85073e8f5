// SPDX-License-Identifier: Apache-2.0
#include "tools/build/progress_text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

constexpr unsigned char kEscapeByte = 0x1b;
constexpr size_t kTabWidth = 8;
constexpr size_t kMaxTailLine = 4096;

std::string OneLine(std::string_view text) {
  const size_t end = text.find('\n');
  std::string line(text.substr(0, end));
  std::ranges::replace(line, '\t', ' ');
  if (end != std::string_view::npos) line += "...";
  return Printable(line);
}

// How many bytes the character has that begins with this one; 1 where none begins.
size_t CharacterSize(unsigned char byte) {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}

bool IsContinuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

struct CharacterRange {
  uint32_t first;
  uint32_t last;
};

// East_Asian_Width W and F of the Unicode standard, in coarse blocks: a name of a step that is cut
// a little early does no harm.
constexpr std::array<CharacterRange, 11> kWide = {{{0x1100, 0x115f},
                                                   {0x2e80, 0xa4cf},
                                                   {0xa960, 0xa97f},
                                                   {0xac00, 0xd7a3},
                                                   {0xf900, 0xfaff},
                                                   {0xfe30, 0xfe6f},
                                                   {0xff00, 0xff60},
                                                   {0xffe0, 0xffe6},
                                                   {0x1f300, 0x1f64f},
                                                   {0x1f680, 0x1f9ff},
                                                   {0x20000, 0x3fffd}}};
constexpr std::array<CharacterRange, 6> kNoWidth = {{{0x300, 0x36f},
                                                     {0x483, 0x489},
                                                     {0x200b, 0x200f},
                                                     {0x20d0, 0x20ff},
                                                     {0xfe00, 0xfe0f},
                                                     {0xfe20, 0xfe2f}}};

size_t CharacterColumns(uint32_t character) {
  const auto holds = [character](const CharacterRange& range) {
    return character >= range.first && character <= range.last;
  };
  if (std::ranges::any_of(kNoWidth, holds)) return 0;
  return std::ranges::any_of(kWide, holds) ? 2 : 1;
}

}  // namespace

std::string StepText(const StepTitle& title) { return OneLine(title.text); }

std::string StepName(const StepTitle& title) {
  if (title.number == 0) return StepText(title);
  const std::string count = std::to_string(title.count);
  std::string number = std::to_string(title.number);
  if (number.size() < count.size()) number.insert(0, count.size() - number.size(), ' ');
  std::string name = "[";
  if (!title.stage.empty()) name += Printable(title.stage) + " ";
  return name + number + "/" + count + "] " + StepText(title);
}

std::string FailureText(const Error& error) {
  return error.code() == ECANCELED ? "context canceled" : Printable(error.message());
}

std::string SecondsText(double seconds, bool fine) {
  int digits = 1;
  if (fine && seconds < 100) digits = seconds < 10 ? 3 : 2;
  std::array<char, 64> text = {};
  snprintf(text.data(), text.size(), "%.*f", digits, std::max(seconds, 0.0));
  return text.data();
}

std::string FailureBlock(std::string_view name, const std::vector<std::string>& lines) {
  std::string text = "------\n > ";
  text.append(name).append(":\n");
  for (const std::string& line : lines) text += line + "\n";
  return text + "------\n";
}

std::string OutputFilter::Feed(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char byte : bytes) Take(static_cast<unsigned char>(byte), &text);
  return text;
}

std::string OutputFilter::Finish() {
  std::string text;
  Flush(&text);
  state_ = State::kText;
  return text;
}

void OutputFilter::Flush(std::string* text) {
  if (character_.empty()) return;
  const TextPiece piece = FirstCharacter(character_);
  const bool whole = piece.printable && piece.size == character_.size();
  *text += whole ? character_ : "?";
  character_.clear();
}

void OutputFilter::TakeText(unsigned char byte, std::string* text) {
  if (!character_.empty()) {
    if (IsContinuation(byte)) {
      character_ += static_cast<char>(byte);
      if (character_.size() == CharacterSize(static_cast<unsigned char>(character_[0]))) {
        Flush(text);
      }
      return;
    }
    Flush(text);
  }
  if (byte == kEscapeByte) {
    state_ = State::kEscape;
  } else if (byte >= 0x80) {
    character_ = static_cast<char>(byte);
    if (CharacterSize(byte) == 1) Flush(text);
  } else if ((byte >= 0x20 && byte != 0x7f) || byte == '\n' || byte == '\t' || byte == '\r') {
    *text += static_cast<char>(byte);
  }
}

// The forms of ECMA-48: ESC, intermediates and a final byte; ESC [ with parameters; and strings,
// such as a window's title, which end with BEL or ESC and a backslash.
void OutputFilter::Take(unsigned char byte, std::string* text) {
  switch (state_) {
    case State::kText: TakeText(byte, text); return;
    case State::kEscape:
      if (byte == '[') {
        state_ = State::kParameters;
      } else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_') {
        state_ = State::kString;
      } else if (byte >= 0x30 && byte < 0x7f) {
        state_ = State::kText;
      } else if (byte < 0x20 || byte >= 0x7f) {
        state_ = State::kText;
        TakeText(byte, text);
      }
      return;
    case State::kParameters:
      if (byte >= 0x40 && byte < 0x7f) {
        state_ = State::kText;
      } else if (byte < 0x20 || byte >= 0x7f) {
        state_ = State::kText;
        TakeText(byte, text);
      }
      return;
    case State::kString:
      if (byte == kEscapeByte) {
        state_ = State::kStringEscape;
      } else if (byte == '\a') {
        state_ = State::kText;
      } else if (byte == '\n') {
        state_ = State::kText;
        TakeText(byte, text);
      }
      return;
    case State::kStringEscape:
      if (byte == '\\') {
        state_ = State::kText;
      } else {
        state_ = State::kEscape;
        Take(byte, text);
      }
      return;
  }
}

void OutputTail::EndLine() {
  bytes_ += line_.size();
  lines_.push_back(std::exchange(line_, {}));
  returned_ = false;
  while (lines_.size() > max_lines_ || bytes_ > max_bytes_) {
    bytes_ -= lines_.front().size();
    lines_.pop_front();
    cut_ = true;
  }
}

void OutputTail::Feed(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      EndLine();
    } else if (c == '\r') {
      returned_ = true;
    } else {
      if (std::exchange(returned_, false)) line_.clear();
      // A character that has begun comes to its end.
      if (line_.size() >= kMaxTailLine && !IsContinuation(static_cast<unsigned char>(c))) continue;
      if (c == '\t') {
        line_.append(kTabWidth - TextColumns(line_) % kTabWidth, ' ');
      } else {
        line_ += c;
      }
    }
  }
}

std::vector<std::string> OutputTail::Last(size_t count) const {
  std::vector<std::string> last;
  const size_t open = line_.empty() ? 0 : 1;
  const size_t ended = std::min(count - std::min(count, open), lines_.size());
  last.insert(last.end(), lines_.end() - static_cast<std::ptrdiff_t>(ended), lines_.end());
  if (open != 0 && count != 0) last.push_back(line_);
  return last;
}

size_t TextColumns(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) columns += CharacterColumns(TakeCharacter(&text));
  return columns;
}

std::string_view FitColumns(std::string_view text, size_t width) {
  std::string_view rest = text;
  size_t columns = 0;
  while (!rest.empty()) {
    std::string_view behind = rest;
    columns += CharacterColumns(TakeCharacter(&behind));
    if (columns > width) break;
    rest = behind;
  }
  return text.substr(0, text.size() - rest.size());
}

}  // namespace veneer
