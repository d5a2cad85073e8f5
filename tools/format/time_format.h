// SPDX-License-Identifier: Apache-2.0
//
// Points in time as text: RFC 3339 (what OCI documents hold) and Docker's "2 minutes ago". Pure
// functions, but for Now() and CreationTime().
#ifndef VENEER_TOOLS_FORMAT_TIME_FORMAT_H_
#define VENEER_TOOLS_FORMAT_TIME_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"

namespace veneer {

// "2024-02-29T12:00:00.5Z": UTC, as many digits after the point as are needed, none when there are
// none.
std::string FormatRfc3339(const Timestamp& time);
// "2024-02-29 12:00:00 +0000 UTC", as Go prints a time and Docker's lists show it.
std::string FormatGoTime(const Timestamp& time);
// RFC 3339 section 5.6 with any offset. Failure for anything else.
Result<Timestamp> ParseRfc3339(std::string_view text);

// The current time.
Timestamp Now();
// The time that goes into what is made now: SOURCE_DATE_EPOCH when the environment has it
// (reproducible-builds.org), else Now(). Usage error when the variable is no number.
Result<Timestamp> CreationTime();

// What stands for a time that is not known: Go's zero, the beginning of the year 1, as Docker has
// it in an image whose config tells none.
inline constexpr Timestamp kNoTime = {-62'135'596'800, 0};

// Docker's words for a span of seconds: "Less than a second", "45 seconds", "About an hour", "3
// weeks".
std::string HumanDuration(int64_t seconds);
// HumanDuration() with " ago", of at most 292 years, which is what Go can count; "N/A" for kNoTime.
std::string HumanAge(const Timestamp& then, const Timestamp& now);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_TIME_FORMAT_H_
