// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_template_literals.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "layerdb/base/parse.h"
#include "tools/format/go_text.h"

namespace veneer {

namespace {

// The digits of an escape, of this base, taken from the front.
std::optional<uint32_t> TakeCode(std::string_view* text, size_t digits, int base) {
  if (text->size() < digits) return std::nullopt;
  uint32_t code = 0;
  if (!ParseNumber(text->substr(0, digits), &code, base)) return std::nullopt;
  text->remove_prefix(digits);
  return code;
}

struct Unquoted {
  uint32_t code;
  bool byte;  // it is one byte, not a character
};

// strconv.UnquoteChar.
std::optional<Unquoted> TakeQuoted(std::string_view* text, char quote) {
  if ((*text)[0] == quote || (*text)[0] == '\n') return std::nullopt;
  if ((*text)[0] != '\\') return Unquoted{TakeCharacter(text), false};
  if (text->size() < 2) return std::nullopt;
  const char kind = (*text)[1];
  text->remove_prefix(2);
  constexpr std::string_view kLetters = "abfnrtv\\";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\";
  if (const size_t known = kLetters.find(kind); known != std::string_view::npos) {
    return Unquoted{static_cast<uint8_t>(kMeanings[known]), false};
  }
  if (kind == quote) return Unquoted{static_cast<uint8_t>(kind), false};
  std::optional<uint32_t> code;
  if (kind == 'x') {
    code = TakeCode(text, 2, 16);
    return code ? std::optional(Unquoted{*code, true}) : std::nullopt;
  }
  if (kind == 'u' || kind == 'U') {
    code = TakeCode(text, kind == 'u' ? 4 : 8, 16);
    const bool valid = code && *code <= kLastCharacter && (*code < 0xD800 || *code > 0xDFFF);
    return valid ? std::optional(Unquoted{*code, false}) : std::nullopt;
  }
  if (kind < '0' || kind > '7') return std::nullopt;
  code = TakeCode(text, 2, 8);
  if (!code || (kind - '0') * 64 + *code > 0xFF) return std::nullopt;
  return Unquoted{(kind - '0') * 64 + *code, true};
}

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "_" stands between digits, or between the prefix of a base and a digit.
bool UnderscoresFit(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  bool hex = false;
  char before = '^';
  if (text.size() >= 2 && text[0] == '0') {
    const char kind = static_cast<char>(text[1] | 0x20);
    if (kind == 'b' || kind == 'o' || kind == 'x') {
      hex = kind == 'x';
      before = '0';
      text.remove_prefix(2);
    }
  }
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || (hex && DigitOf(c) >= 0)) {
      before = '0';
    } else if (c == '_') {
      if (before != '0') return false;
      before = '_';
    } else {
      if (before == '_') return false;
      before = '!';
    }
  }
  return before != '_';
}

struct Whole {
  bool syntax = false;                // it is written as a whole number
  std::optional<uint64_t> magnitude;  // nullopt: too large
};

// strconv.ParseUint of base 0, of digits without sign and underscores.
Whole ReadWhole(std::string_view digits) {
  uint64_t base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    const char kind = static_cast<char>(digits[1] | 0x20);
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    digits.remove_prefix(kind == 'x' || kind == 'o' || kind == 'b' ? 2 : 1);
  }
  if (digits.empty()) return {};
  Whole result{true, 0};
  for (const char c : digits) {
    const int digit = DigitOf(c);
    if (digit < 0 || static_cast<uint64_t>(digit) >= base) return {};
    if (!result.magnitude) continue;
    uint64_t next = 0;
    const bool overflow = __builtin_mul_overflow(*result.magnitude, base, &next) ||
                          __builtin_add_overflow(next, static_cast<uint64_t>(digit), &next);
    result.magnitude = overflow ? std::nullopt : std::optional(next);
  }
  return result;
}

}  // namespace

std::optional<std::string> ReadGoString(std::string_view inside) {
  std::string text;
  while (!inside.empty()) {
    const auto next = TakeQuoted(&inside, '"');
    if (!next) return std::nullopt;
    if (next->byte) {
      text += static_cast<char>(next->code);
    } else {
      AppendCharacter(next->code, &text);
    }
  }
  return text;
}

std::string ReadGoRawString(std::string_view inside) {
  std::string text;
  for (const char c : inside) {
    if (c != '\r') text += c;
  }
  return text;
}

std::optional<uint32_t> ReadGoCharacter(std::string_view inside) {
  if (inside.empty()) return std::nullopt;
  const auto character = TakeQuoted(&inside, '\'');
  if (!character || !inside.empty()) return std::nullopt;
  return character->code;
}

std::optional<GoNumber> ReadGoNumber(std::string_view text) {
  if (text.find('_') != std::string_view::npos && !UnderscoresFit(text)) return std::nullopt;
  std::string plain;
  for (const char c : text) {
    if (c != '_') plain += c;
  }
  const bool negative = plain.starts_with('-');
  std::string digits = plain.substr(negative || plain.starts_with('+') ? 1 : 0);
  const bool hex = digits.size() > 2 && digits[0] == '0' && (digits[1] | 0x20) == 'x';
  if (const Whole whole = ReadWhole(digits); whole.syntax && whole.magnitude) {
    constexpr uint64_t kLeast = uint64_t{1} << 63;  // of int, without its sign
    const bool fits = *whole.magnitude < kLeast || (negative && *whole.magnitude == kLeast);
    if (!fits) return negative ? std::nullopt : std::optional(GoNumber{});
    const auto value = static_cast<int64_t>(negative ? -*whole.magnitude : *whole.magnitude);
    return GoNumber{GoValue::Int(value), value};
  }
  if (digits.find_first_of(hex ? ".pP" : ".eEpP") == std::string::npos) return std::nullopt;
  // A hexadecimal fraction has an exponent.
  if (hex && digits.find_first_of("pP") == std::string::npos) return std::nullopt;
  if (digits.find_first_of("0123456789") == std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = ::strtod(plain.c_str(), &end);
  if (end != plain.c_str() + plain.size() || std::isinf(value)) return std::nullopt;
  GoNumber number{GoValue::Float(value), std::nullopt};
  if (value >= -0x1p63 && value < 0x1p63 && std::trunc(value) == value) {
    number.whole = static_cast<int64_t>(value);
  }
  return number;
}

}  // namespace veneer
