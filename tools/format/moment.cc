// SPDX-License-Identifier: Apache-2.0
#include "tools/format/moment.h"

#include <string>

#include "layerdb/base/parse.h"
#include "tools/format/go_duration.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

constexpr int64_t kSecond = 1'000'000'000;

Timestamp Before(const Timestamp& now, int64_t age) {
  int64_t nanoseconds = static_cast<int64_t>(now.nsec) - age % kSecond;
  Timestamp then{now.sec - age / kSecond, 0};
  if (nanoseconds < 0) {
    nanoseconds += kSecond;
    --then.sec;
  } else if (nanoseconds >= kSecond) {
    nanoseconds -= kSecond;
    ++then.sec;
  }
  then.nsec = static_cast<uint32_t>(nanoseconds);
  return then;
}

}  // namespace

Result<Timestamp> ParseMoment(std::string_view text, const Timestamp& now) {
  if (const auto age = ParseGoDuration(text)) return Before(now, *age);
  if (const auto seconds = ParseNumber<int64_t>(text)) return Timestamp{*seconds, 0};
  for (const char* rest : {"", "Z", ":00Z", "T00:00:00Z"}) {
    if (const auto time = ParseRfc3339(std::string(text) + rest)) return *time;
  }
  return MakeError("'" + Printable(std::string(text.substr(0, 64))) +
                       "' is no point in time: an age (24h), a date (2024-02-29), RFC 3339, or "
                       "seconds since 1970",
                   ExitCode::kUsage);
}

}  // namespace veneer
