// SPDX-License-Identifier: Apache-2.0
#include "tools/format/go_duration.h"

#include <array>
#include <limits>

#include "layerdb/base/parse.h"

namespace veneer {

namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};
constexpr std::array<Unit, 7> kUnits = {{{"ns", 1},
                                         {"us", 1'000},
                                         {"µs", 1'000},
                                         {"ms", 1'000'000},
                                         {"s", 1'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"h", 3'600'000'000'000}}};

// "12", "1.5", ".5" with its unit, taken from the front; nanoseconds.
std::optional<long double> TakePart(std::string_view* text) {
  long double number = 0;
  long double scale = 1;
  bool point = false;
  size_t digits = 0;
  size_t i = 0;
  for (; i < text->size(); ++i) {
    const char c = (*text)[i];
    if (c == '.' && !point) {
      point = true;
    } else if (IsDigit(c)) {
      ++digits;
      if (point) scale /= 10;
      number = point ? number + (c - '0') * scale : number * 10 + (c - '0');
    } else {
      break;
    }
  }
  if (digits == 0) return std::nullopt;
  text->remove_prefix(i);
  const size_t end = text->find_first_of("0123456789.");
  const std::string_view name = text->substr(0, end);
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    text->remove_prefix(name.size());
    return number * static_cast<long double>(unit.nanoseconds);
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> ParseGoDuration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  long double total = 0;
  while (!text.empty()) {
    const std::optional<long double> part = TakePart(&text);
    if (!part) return std::nullopt;
    total += *part;
  }
  if (total >= static_cast<long double>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  const auto whole = static_cast<int64_t>(total + 0.5L);
  return negative ? -whole : whole;
}

std::string GoDurationText(int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  const bool negative = nanoseconds < 0;
  // Of the smallest number there is no positive one.
  uint64_t left =
      negative ? -static_cast<uint64_t>(nanoseconds) : static_cast<uint64_t>(nanoseconds);
  std::string text = negative ? "-" : "";
  const auto take = [&left, &text](std::string_view unit, uint64_t size) {
    text.append(std::to_string(left / size)).append(unit);
    left %= size;
  };
  const auto take_last = [&left, &text](std::string_view unit, uint64_t size) {
    text += std::to_string(left / size);
    if (left % size != 0) {
      std::string part = std::to_string(left % size + size).substr(1);
      part.resize(part.find_last_not_of('0') + 1);
      text += "." + part;
    }
    text += unit;
  };
  constexpr uint64_t kSecond = 1'000'000'000;
  if (left < 1'000) {
    take_last("ns", 1);
  } else if (left < 1'000'000) {
    take_last("µs", 1'000);
  } else if (left < kSecond) {
    take_last("ms", 1'000'000);
  } else {
    const bool hours = left >= 3'600 * kSecond;
    if (hours) take("h", 3'600 * kSecond);
    if (hours || left >= 60 * kSecond) take("m", 60 * kSecond);
    take_last("s", kSecond);
  }
  return text;
}

}  // namespace veneer
