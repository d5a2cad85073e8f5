// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/retry.h"

#include <time.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <thread>

#include "layerdb/base/parse.h"

namespace veneer {

bool IsWorthRetrying(const Error& error) {
  return error.code() == ECONNRESET || error.code() == EAGAIN;
}

std::optional<std::chrono::milliseconds> ParseRetryAfter(
    std::string_view value, std::chrono::system_clock::time_point now) {
  using std::chrono::seconds;
  constexpr uint32_t kMaxSeconds = 1'000'000;
  uint32_t count = 0;
  if (ParseNumber(value, &count)) return seconds(std::min(count, kMaxSeconds));
  struct tm date {};
  const std::string text(value);
  // The three forms that RFC 9110, section 5.6.7, has a reader take.
  for (const char* form :
       {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    date = {};
    const char* end = ::strptime(text.c_str(), form, &date);
    if (end == nullptr || *end != '\0') continue;
    const auto then = std::chrono::system_clock::from_time_t(::timegm(&date));
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(then - now);
    return std::max(wait, std::chrono::milliseconds(0));
  }
  return std::nullopt;
}

std::chrono::milliseconds WaitBefore(const RetryPolicy& policy, int try_number,
                                     std::optional<std::chrono::milliseconds> asked_for) {
  constexpr int kMaxDoublings = 20;
  const auto own = policy.first_wait * (1 << std::clamp(try_number - 1, 0, kMaxDoublings));
  return std::min(std::max(own, asked_for.value_or(own)), policy.longest_wait);
}

Result<void> WaitFor(std::chrono::milliseconds time, const Cancellation* cancel) {
  constexpr auto kStep = std::chrono::milliseconds(50);
  const auto end = std::chrono::steady_clock::now() + time;
  for (;;) {
    VENEER_TRY_VOID(Cancellation::Check(cancel));
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return {};
    std::this_thread::sleep_for(std::min(left, kStep));
  }
}

}  // namespace veneer
