// SPDX-License-Identifier: Apache-2.0
//
// Spans of time as Docker's documents and filters write them, which is as Go does (package time,
// Duration): "1h30m", "500ms", "1.5s". Pure.
#ifndef VENEER_TOOLS_FORMAT_GO_DURATION_H_
#define VENEER_TOOLS_FORMAT_GO_DURATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace veneer {

// Nanoseconds. nullopt: not a duration, or one of more than 292 years. Units: ns, us, ms, s, m, h;
// "0" needs none.
std::optional<int64_t> ParseGoDuration(std::string_view text);

// "1h30m0s", "1.5s", "500ms", "0s": hours, minutes and seconds, or the largest unit that a span
// below a second fills.
std::string GoDurationText(int64_t nanoseconds);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_DURATION_H_
