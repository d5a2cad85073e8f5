// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/interrupts.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace veneer {
namespace {

TEST(InterruptsTest, ThoseOfLateAreKnown) {
  Interrupts interrupts;
  EXPECT_FALSE(interrupts.Has(2));
  interrupts.Add(2);
  EXPECT_TRUE(interrupts.Has(2));
  for (uint64_t request = 1000; request < 1100; ++request) interrupts.Add(request);
  EXPECT_TRUE(interrupts.Has(2));
  for (uint64_t request = 2000; request < 3000; ++request) interrupts.Add(request);
  EXPECT_FALSE(interrupts.Has(2)) << "it takes no more room, however many there were";
  EXPECT_TRUE(interrupts.Has(2999));
}

TEST(InterruptsTest, AnySignalIsNotAKill) {
  const auto self = static_cast<uint32_t>(::gettid());
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &set, nullptr), 0);
  ASSERT_EQ(::raise(SIGUSR1), 0);  // waits now
  EXPECT_FALSE(IsBeingKilled(self));
  EXPECT_FALSE(IsBeingKilled(0)) << "not seen from here";
  EXPECT_FALSE(IsBeingKilled(UINT32_MAX));
  int number = 0;
  ASSERT_EQ(sigwait(&set, &number), 0);
}

}  // namespace
}  // namespace veneer
