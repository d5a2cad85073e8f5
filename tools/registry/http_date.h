// SPDX-License-Identifier: Apache-2.0
//
// Dates in headers of HTTP (RFC 9110, section 5.6.7). Pure.
#ifndef VENEER_TOOLS_REGISTRY_HTTP_DATE_H_
#define VENEER_TOOLS_REGISTRY_HTTP_DATE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace veneer {

// Seconds since 1970. nullopt: none of the three forms that a reader takes.
std::optional<int64_t> ParseHttpDate(std::string_view text);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_HTTP_DATE_H_
