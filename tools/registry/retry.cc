// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/retry.h"

#include <algorithm>
#include <cerrno>
#include <thread>

#include "layerdb/base/parse.h"
#include "tools/registry/http_date.h"

namespace veneer {

bool IsWorthRetrying(const Error& error) {
  return error.code() == ECONNRESET || error.code() == EAGAIN;
}

std::optional<std::chrono::milliseconds> ParseRetryAfter(
    std::string_view value, std::chrono::system_clock::time_point now) {
  using std::chrono::seconds;
  constexpr int64_t kMaxSeconds = 1'000'000;
  const bool number =
      !value.empty() && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
  if (number) {
    int64_t count = kMaxSeconds;  // also where it is too large for a number
    ParseNumber(value, &count);
    return seconds(std::min(count, kMaxSeconds));
  }
  const std::optional<int64_t> date = ParseHttpDate(value);
  if (!date) return std::nullopt;
  // Not as time points: those end in the year 2262.
  const int64_t wait = *date - std::chrono::system_clock::to_time_t(now);
  return seconds(std::clamp(wait, int64_t{0}, kMaxSeconds));
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
