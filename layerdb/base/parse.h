// SPDX-License-Identifier: Apache-2.0
//
// Numbers in text. Only digits, after a minus where the type has a sign: no blanks, no plus, no
// prefix, no locale. A number that does not fit its type is none. A floating type takes a fraction
// and an exponent too, "inf" and "nan". Pure.
//
// Nothing else in the project reads numbers (scripts/checks/number_parsing.py).
#ifndef VENEER_LAYERDB_BASE_PARSE_H_
#define VENEER_LAYERDB_BASE_PARSE_H_

#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace veneer {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the number at the front of `text` off it. `base`: of a whole number. False: there is none,
// and both stay as they are.
template <class Number>
bool TakeNumber(std::string_view* text, Number* number, int base = 10) {
  Number value{};
  const char* const end = text->data() + text->size();
  std::from_chars_result read;
  if constexpr (std::is_floating_point_v<Number>) {
    read = std::from_chars(text->data(), end, value);
  } else {
    read = std::from_chars(text->data(), end, value, base);
  }
  if (read.ec != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(read.ptr - text->data()));
  *number = value;
  return true;
}

// All of `text` as a number. False: it is none, and `number` stays as it is.
template <class Number>
bool ParseNumber(std::string_view text, Number* number, int base = 10) {
  Number value{};
  if (!TakeNumber(&text, &value, base) || !text.empty()) return false;
  *number = value;
  return true;
}

template <class Number>
std::optional<Number> ParseNumber(std::string_view text, int base = 10) {
  Number number{};
  if (!ParseNumber(text, &number, base)) return std::nullopt;
  return number;
}

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_PARSE_H_
