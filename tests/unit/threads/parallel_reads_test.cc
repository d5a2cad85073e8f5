// SPDX-License-Identifier: Apache-2.0
#include "layerdb/threads/parallel_reads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace veneer {
namespace {

using std::chrono::milliseconds;

TEST(ParallelReadsTest, EachReadIsMadeOnce) {
  ParallelReads reads;
  for (const size_t count : {0U, 1U, 2U, 3U, 100U}) {
    std::vector<std::atomic<int>> made(count);
    reads.Run(count, [&](size_t index) {
      if (index % 7 == 0) std::this_thread::sleep_for(milliseconds(1));
      ++made[index];
    });
    for (const std::atomic<int>& times : made) EXPECT_EQ(times, 1);
  }
}

TEST(ParallelReadsTest, OthersHelpAfterAWait) {
  ParallelReads reads;
  std::atomic<int> together = 0;
  std::atomic<int> most = 0;
  reads.Run(40, [&](size_t) {
    const int now = ++together;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::sleep_for(milliseconds(5));
    --together;
  });
  EXPECT_GT(most, 1);
}

TEST(ParallelReadsTest, SeveralCallersAtOnce) {
  ParallelReads reads;
  std::atomic<int> made = 0;
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 8; ++caller) {
      callers.emplace_back([&] {
        for (int round = 0; round < 50; ++round) {
          reads.Run(20, [&](size_t index) {
            if (index == 1) std::this_thread::sleep_for(std::chrono::microseconds(100));
            ++made;
          });
        }
      });
    }
  }
  EXPECT_EQ(made, 8 * 50 * 20);
}

TEST(ParallelReadsTest, WhatIsThrownReachesTheCallerWhenAllReadsHaveEnded) {
  ParallelReads reads;
  std::atomic<int> made = 0;
  const auto run = [&] {
    reads.Run(30, [&](size_t index) {
      std::this_thread::sleep_for(milliseconds(1));
      ++made;
      if (index == 20) throw std::runtime_error("no memory");
    });
  };
  EXPECT_THROW(run(), std::runtime_error);
  EXPECT_EQ(made, 30);
}

}  // namespace
}  // namespace veneer
