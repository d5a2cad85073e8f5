// SPDX-License-Identifier: Apache-2.0
//
// Spans of time as Docker's documents and filters write them, which is as Go does (package time,
// ParseDuration): "1h30m", "500ms", "1.5s". Pure.
#ifndef VENEER_TOOLS_FORMAT_GO_DURATION_H_
#define VENEER_TOOLS_FORMAT_GO_DURATION_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace veneer {

// Nanoseconds. nullopt: not a duration, or one of more than 292 years. Units: ns, us, ms, s, m, h;
// "0" needs none.
std::optional<int64_t> ParseGoDuration(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_FORMAT_GO_DURATION_H_
