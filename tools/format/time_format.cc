// SPDX-License-Identifier: Apache-2.0
#include "tools/format/time_format.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>

#include "layerdb/base/parse.h"

namespace veneer {

namespace {

constexpr int64_t kMinute = 60, kHour = 60 * kMinute, kYear = 365 * 24 * kHour;

// Reads `digits` decimal digits from the front of `text`; -1 when they are not there.
int TakeNumber(std::string_view* text, size_t digits) {
  int value = 0;
  if (text->size() < digits) return -1;
  for (size_t i = 0; i < digits; ++i) {
    const char c = (*text)[i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  text->remove_prefix(digits);
  return value;
}

bool TakeChar(std::string_view* text, char lower) {
  if (text->empty() || (text->front() | 0x20) != (lower | 0x20)) return false;
  text->remove_prefix(1);
  return true;
}

int DaysInMonth(int year, int month) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

}  // namespace

std::string FormatRfc3339(const Timestamp& time) {
  const time_t seconds = time.sec;
  struct tm parts;
  gmtime_r(&seconds, &parts);
  std::array<char, 64> buffer;
  const int n =
      snprintf(buffer.data(), buffer.size(), "%04d-%02d-%02dT%02d:%02d:%02d", parts.tm_year + 1900,
               parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  std::string text(buffer.data(), n);
  if (time.nsec != 0) {
    const int digits = snprintf(buffer.data(), buffer.size(), ".%09u", time.nsec);
    std::string fraction(buffer.data(), digits);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += fraction;
  }
  return text + "Z";
}

std::string FormatGoTime(const Timestamp& time) {
  std::string text = FormatRfc3339({time.sec, 0});  // "2024-02-29T12:00:00Z"
  text[text.size() - 10] = ' ';
  text.pop_back();
  return text + " +0000 UTC";
}

Result<Timestamp> ParseRfc3339(std::string_view text) {
  const auto bad = [whole = std::string(text.substr(0, 64))] {
    return MakeError("'" + whole + "' is not a time (RFC 3339)");
  };
  struct tm parts = {};
  const int year = TakeNumber(&text, 4);
  if (year < 0 || !TakeChar(&text, '-')) return bad();
  const int month = TakeNumber(&text, 2);
  if (month < 1 || month > 12 || !TakeChar(&text, '-')) return bad();
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = TakeNumber(&text, 2);
  if (parts.tm_mday < 1 || parts.tm_mday > DaysInMonth(year, month)) return bad();
  if (!TakeChar(&text, 't')) return bad();
  parts.tm_hour = TakeNumber(&text, 2);
  if (parts.tm_hour < 0 || parts.tm_hour > 23 || !TakeChar(&text, ':')) return bad();
  parts.tm_min = TakeNumber(&text, 2);
  if (parts.tm_min < 0 || parts.tm_min > 59 || !TakeChar(&text, ':')) return bad();
  parts.tm_sec = TakeNumber(&text, 2);
  if (parts.tm_sec < 0 || parts.tm_sec > 60) return bad();
  Timestamp time;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    uint32_t scale = 100'000'000;
    size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
      time.nsec += static_cast<uint32_t>(text[digits] - '0') * scale;
      scale /= 10;
    }
    if (digits == 0) return bad();
    text.remove_prefix(digits);
  }
  int64_t offset = 0;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    const int sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    const int hours = TakeNumber(&text, 2);
    if (hours < 0 || hours > 23 || !TakeChar(&text, ':')) return bad();
    const int minutes = TakeNumber(&text, 2);
    if (minutes < 0 || minutes > 59) return bad();
    offset = sign * (hours * kHour + minutes * kMinute);
  } else if (!TakeChar(&text, 'z')) {
    return bad();
  }
  if (!text.empty()) return bad();
  time.sec = timegm(&parts) - offset;
  return time;
}

Timestamp Now() {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return {now.tv_sec, static_cast<uint32_t>(now.tv_nsec)};
}

Result<Timestamp> CreationTime() {
  const char* epoch = getenv("SOURCE_DATE_EPOCH");
  if (epoch == nullptr || *epoch == '\0') return Now();
  const std::string_view text = epoch;
  int64_t seconds = 0;
  if (!ParseNumber(text, &seconds) || seconds < 0) {
    return MakeError("SOURCE_DATE_EPOCH is '" + std::string(text) + "', not a number of seconds",
                     ExitCode::kUsage);
  }
  return Timestamp{seconds, 0};
}

std::string HumanDuration(int64_t seconds) {
  const auto several = [](int64_t n, const char* unit) { return std::to_string(n) + " " + unit; };
  const int64_t hours =
      (seconds + kHour / 2) / kHour;  // Docker rounds hours, and counts days from them
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < kMinute) return several(seconds, "seconds");
  if (seconds < 2 * kMinute) return "About a minute";
  if (seconds < kHour) return several(seconds / kMinute, "minutes");
  if (hours == 1) return "About an hour";
  if (hours < 48) return several(hours, "hours");
  if (hours < 24 * 7 * 2) return several(hours / 24, "days");
  if (hours < 24 * 30 * 2) return several(hours / 24 / 7, "weeks");
  if (hours < 24 * 365 * 2) return several(hours / 24 / 30, "months");
  return several(seconds / kYear, "years");
}

std::string HumanAge(const Timestamp& then, const Timestamp& now) {
  constexpr int64_t kLongest = std::numeric_limits<int64_t>::max() / 1'000'000'000;  // nanoseconds
  if (then == kNoTime) return "N/A";
  return HumanDuration(std::min(now.sec - then.sec, kLongest)) + " ago";
}

}  // namespace veneer
