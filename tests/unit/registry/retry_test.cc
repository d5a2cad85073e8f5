// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/retry.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace veneer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const auto kNow = std::chrono::system_clock::from_time_t(1'000'000'000);  // 2001-09-09 01:46:40

TEST(ParseRetryAfter, SecondsOrADateInEachForm) {
  EXPECT_EQ(ParseRetryAfter("7", kNow), seconds(7));
  EXPECT_EQ(ParseRetryAfter("0", kNow), seconds(0));
  EXPECT_EQ(ParseRetryAfter("Sun, 09 Sep 2001 01:46:50 GMT", kNow), seconds(10));
  EXPECT_EQ(ParseRetryAfter("Sunday, 09-Sep-01 01:46:50 GMT", kNow), seconds(10));
  EXPECT_EQ(ParseRetryAfter("Sun Sep  9 01:46:50 2001", kNow), seconds(10));
}

TEST(ParseRetryAfter, APastDateIsNow) {
  EXPECT_EQ(ParseRetryAfter("Sun, 09 Sep 2001 01:46:30 GMT", kNow), seconds(0));
}

TEST(ParseRetryAfter, WhatNoNumberAndNoClockHoldsIsLong) {
  for (const char* value :
       {"99999999999999", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"}) {
    const auto wait = ParseRetryAfter(value, kNow);
    ASSERT_TRUE(wait) << value;
    EXPECT_GE(*wait, seconds(1'000'000)) << value;
  }
}

TEST(ParseRetryAfter, AnythingElseIsNone) {
  for (const char* value : {"", "soon", "-1", "1.5", "7 ", "Sun, 09 Sep 2001"}) {
    EXPECT_EQ(ParseRetryAfter(value, kNow), std::nullopt) << value;
  }
}

TEST(WaitBefore, DoublesUpToALimitAndHeedsTheServer) {
  const RetryPolicy policy{3, milliseconds(100), milliseconds(1000)};
  EXPECT_EQ(WaitBefore(policy, 1, std::nullopt), milliseconds(100));
  EXPECT_EQ(WaitBefore(policy, 3, std::nullopt), milliseconds(400));
  EXPECT_EQ(WaitBefore(policy, 60, std::nullopt), milliseconds(1000));
  EXPECT_EQ(WaitBefore(policy, 1, milliseconds(700)), milliseconds(700));
  EXPECT_EQ(WaitBefore(policy, 1, milliseconds(10)), milliseconds(100));
  EXPECT_EQ(WaitBefore(policy, 1, seconds(3600)), milliseconds(1000));
}

TEST(IsWorthRetrying, WhatBrokeAndWhatTheServerCouldNotDo) {
  const auto of = [](int code) { return IsWorthRetrying(Error("x", ExitCode::kFailed, code)); };
  EXPECT_TRUE(of(ECONNRESET));
  EXPECT_TRUE(of(EAGAIN));
  for (const int code : {ECONNREFUSED, EPROTO, EKEYREJECTED, EACCES, ENOENT, ECANCELED, 0}) {
    EXPECT_FALSE(of(code)) << code;
  }
}

TEST(WaitFor, EndsWhenItIsAsked) {
  Cancellation cancel;
  cancel.Request();
  const auto waited = WaitFor(seconds(100), &cancel);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code(), ECANCELED);
  EXPECT_TRUE(WaitFor(milliseconds(1), nullptr));
}

}  // namespace
}  // namespace veneer
