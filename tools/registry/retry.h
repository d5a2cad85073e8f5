// SPDX-License-Identifier: Apache-2.0
//
// Trying again: when, and how long to wait before. Docker and podman do so for each layer.
#ifndef VENEER_TOOLS_REGISTRY_RETRY_H_
#define VENEER_TOOLS_REGISTRY_RETRY_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"

namespace veneer {

struct RetryPolicy {
  int tries_more = 3;  // --retry
  std::chrono::milliseconds first_wait{1000};
  std::chrono::milliseconds longest_wait{60'000};
};

// True where another try may succeed: a connection that broke (ECONNRESET), a status of 429 or of
// 500 and above (EAGAIN).
bool IsWorthRetrying(const Error& error);

// The value of Retry-After (RFC 9110, section 10.2.3): seconds, or a date. nullopt: neither. Pure.
std::optional<std::chrono::milliseconds> ParseRetryAfter(std::string_view value,
                                                         std::chrono::system_clock::time_point now);

// The wait before the try number `try_number` (the first retry is 1): twice as long each time; what
// the server asks for, where it is longer.
std::chrono::milliseconds WaitBefore(const RetryPolicy& policy, int try_number,
                                     std::optional<std::chrono::milliseconds> asked_for);

// Waits. ECANCELED: `cancel`, which may be null, was asked.
Result<void> WaitFor(std::chrono::milliseconds time, const Cancellation* cancel);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_RETRY_H_
