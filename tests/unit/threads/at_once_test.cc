// SPDX-License-Identifier: Apache-2.0
#include "layerdb/threads/at_once.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <set>
#include <thread>

#include "layerdb/base/mutex.h"

namespace veneer {
namespace {

Error Interrupted() { return Error("interrupted", ExitCode::kFailed, ECANCELED); }

TEST(RunAtOnce, DoesEachOnceAndNoMoreAtATimeThanAsked) {
  Cancellation stop;
  Mutex mutex;
  std::multiset<size_t> done;
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  ASSERT_TRUE(RunAtOnce(20, 3, stop, [&](size_t i) -> Result<void> {
    const int running = ++now;
    for (int seen = most; seen < running && !most.compare_exchange_weak(seen, running);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --now;
    const MutexLock lock(mutex);
    done.insert(i);
    return {};
  }));
  EXPECT_EQ(done.size(), 20U);
  EXPECT_EQ(std::set<size_t>(done.begin(), done.end()).size(), 20U);
  EXPECT_LE(most, 3);
  EXPECT_TRUE(RunAtOnce(0, 3, stop, [](size_t) -> Result<void> { return MakeError("called"); }));
}

TEST(RunAtOnce, TheFirstFailureEndsTheOthersAndIsTheOneThatIsReturned) {
  for (const size_t bad : {size_t{0}, size_t{1}}) {
    Cancellation stop;
    std::atomic<int> begun = 0;
    const Result<void> ran = RunAtOnce(10, 2, stop, [&](size_t i) -> Result<void> {
      ++begun;
      while (begun < 2) std::this_thread::yield();
      if (i == bad) return MakeError("bad");
      while (!stop.requested()) std::this_thread::yield();
      return tl::unexpected(Interrupted());
    });
    ASSERT_FALSE(ran);
    EXPECT_EQ(ran.error().message(), "bad");
    EXPECT_EQ(begun, 2);
  }
}

TEST(RunAtOnce, ARequestOfSomebodyElseIsNoSuccess) {
  Cancellation user;
  Cancellation stop(&user);
  std::atomic<int> begun = 0;
  const Result<void> ran = RunAtOnce(10, 2, stop, [&](size_t) -> Result<void> {
    ++begun;
    user.Request();
    return {};
  });
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code(), ECANCELED);
  EXPECT_LE(begun, 2);
}

}  // namespace
}  // namespace veneer
