// SPDX-License-Identifier: Apache-2.0
//
// The loop over a socket pair in the place of the device: one packet is one request.
#include "fs/fuse/loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <latch>
#include <set>
#include <string>

namespace veneer {
namespace {

using std::chrono::milliseconds;

class LoopTest : public ::testing::Test {
 protected:
  LoopTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    kernel_ = Fd(ends[0]);
    device_ = Fd(ends[1]);
    options_.buffer_size = 4096;
    options_.processors = 2;
  }
  ~LoopTest() override { Finish(); }

  void Start(Loop::Serve serve) {
    Sys<std::unique_ptr<Loop>> loop = Loop::Create(device_.get(), options_, std::move(serve));
    ASSERT_TRUE(loop.has_value());
    loop_ = std::move(*loop);
    runner_ = std::thread([this] { loop_->Run(); });
  }
  // Serves some requests that wait for a disk, which takes no time at all.
  void StartWithDisk() {
    options_.tick = std::chrono::hours(1);  // the standby keeps out of it
    Start([this](char* request, size_t size) {
      { const Loop::DiskWait disk; }
      Echo(request, size);
    });
    for (int i = 0; i < 50; ++i) {
      ::usleep(2000);  // nothing piles up
      Send("x");
      EXPECT_EQ(Receive(), "x");
    }
  }
  // What an unmount does: the device ends.
  void Finish() {
    kernel_.Reset();
    if (runner_.joinable()) runner_.join();
  }
  void Send(const std::string& request) {
    ASSERT_EQ(::send(kernel_.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
  }
  void Echo(const char* request, size_t size) {
    EXPECT_EQ(::send(device_.get(), request, size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
  }
  std::string Receive() {
    char buffer[4096];
    const ssize_t n = ::recv(kernel_.get(), buffer, sizeof(buffer), 0);
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
  }
  bool WaitForThreads(int wanted) {
    for (int i = 0; i < 500; ++i) {
      if (loop_->thread_count() == wanted) return true;
      ::usleep(10'000);
    }
    return false;
  }

  Fd kernel_;
  Fd device_;
  LoopOptions options_;
  std::unique_ptr<Loop> loop_;
  std::thread runner_;
};

TEST_F(LoopTest, ServesRequestsInOrderWithOneThreadAndAStandby) {
  options_.tick =
      std::chrono::hours(1);  // on a busy machine the standby would think that the leader is stuck
  Start([this](char* request, size_t size) { Echo(request, size); });
  for (int i = 0; i < 1000; ++i) {
    Send("request " + std::to_string(i));
    EXPECT_EQ(Receive(), "request " + std::to_string(i));
  }
  EXPECT_EQ(loop_->thread_count(), 2);
}

TEST_F(LoopTest, AShortRequestOvertakesALongOne) {
  std::latch done(1);
  Start([&](char* request, size_t size) {
    if (std::string_view(request, size) == "long") {
      Loop::BeforeBlocking();
      done.wait();
    }
    Echo(request, size);
  });
  Send("long");
  Send("short");
  EXPECT_EQ(Receive(), "short");
  done.count_down();
  EXPECT_EQ(Receive(), "long");
}

TEST_F(LoopTest, ShortWaitsForTheDiskWakeNobody) {
  options_.long_wait = std::chrono::hours(1);
  StartWithDisk();
  EXPECT_EQ(loop_->thread_count(), 2);  // the leader and the standby
}

TEST_F(LoopTest, LongWaitsForTheDiskWakeAFollower) {
  options_.long_wait = std::chrono::hours(0);
  StartWithDisk();
  EXPECT_GT(loop_->thread_count(), 2);
}

TEST_F(LoopTest, ARequestThatGetsStuckWithoutAWordIsLeftBehind) {
  std::latch done(1);
  std::atomic<int> stuck = 0;
  Start([&](char* request, size_t size) {
    if (std::string_view(request, size) == "stuck") {
      ++stuck;
      done.wait();
    }
    Echo(request, size);
  });
  for (int i = 0; i < 3; ++i) Send("stuck");
  Send("short");
  EXPECT_EQ(Receive(), "short");
  EXPECT_EQ(stuck, 3);
  // The same after the standby went to sleep.
  ::usleep(300'000);
  Send("stuck");
  Send("short");
  EXPECT_EQ(Receive(), "short");
  done.count_down();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Receive(), "stuck");
}

TEST_F(LoopTest, ManyRequestsThroughStandbysAndHandOversAreAllAnswered) {
  options_.tick = milliseconds(1);
  options_.linger = milliseconds(2);
  options_.max_threads = 6;
  std::atomic<unsigned> turn = 0;
  Start([&](char* request, size_t size) {
    const unsigned now = turn++;
    if (now % 3 == 0) Loop::BeforeBlocking();
    if (now % 5 == 0) ::usleep(now % 4 * 1000);
    Echo(request, size);
  });
  constexpr int kRequests = 1500;
  std::set<std::string> answers;
  for (int i = 0; i < kRequests; i += 10) {
    for (int j = i; j < i + 10; ++j) Send(std::to_string(j));
    for (int j = i; j < i + 10; ++j) answers.insert(Receive());
  }
  EXPECT_EQ(answers.size(), static_cast<size_t>(kRequests));
  EXPECT_LE(loop_->thread_count(), 6);
}

TEST_F(LoopTest, NoMoreThreadsThanAllowedAndNothingIsLost) {
  options_.max_threads = 3;
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  Start([&](char* request, size_t size) {
    Loop::BeforeBlocking();
    const int here = ++now;
    for (int old = most; old < here && !most.compare_exchange_weak(old, here);) {
    }
    ::usleep(500);
    --now;
    Echo(request, size);
  });
  constexpr int kRequests = 120;
  for (int i = 0; i < kRequests; ++i) Send(std::to_string(i));
  std::set<std::string> answers;
  for (int i = 0; i < kRequests; ++i) answers.insert(Receive());
  EXPECT_EQ(answers.size(), static_cast<size_t>(kRequests));
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 2);
  EXPECT_LE(loop_->thread_count(), 3);
}

TEST_F(LoopTest, FollowersEndWhenTheyHaveNothingToDo) {
  options_.linger = milliseconds(20);
  std::latch done(1);
  Start([&](char* request, size_t size) {
    if (request[0] == 'l') {
      Loop::BeforeBlocking();
      done.wait();
    }
    Echo(request, size);
  });
  for (int i = 0; i < 4; ++i) Send("l");
  EXPECT_TRUE(WaitForThreads(6));
  done.count_down();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Receive(), "l");
  // One leads and one stands by; the thread of Run() never ends, and may be neither.
  for (int i = 0; i < 500 && loop_->thread_count() > 3; ++i) ::usleep(10'000);
  EXPECT_LE(loop_->thread_count(), 3);
  Send("s");
  EXPECT_EQ(Receive(), "s");
}

TEST_F(LoopTest, StopEndsAnIdleLoop) {
  Start([this](char* request, size_t size) { Echo(request, size); });
  Send("x");
  EXPECT_EQ(Receive(), "x");
  loop_->Stop();
  runner_.join();
}

TEST_F(LoopTest, TheEndOfTheDeviceWaitsForRequestsUnderWay) {
  std::latch entered(1);
  std::atomic<bool> served = false;
  Start([&](char* /*request*/, size_t /*size*/) {
    Loop::BeforeBlocking();
    entered.count_down();
    ::usleep(50'000);
    served = true;
  });
  Send("x");
  entered.wait();
  Finish();
  EXPECT_TRUE(served);
}

TEST_F(LoopTest, AnIdleLoopUsesNoProcessorTime) {
  Start([this](char* request, size_t size) { Echo(request, size); });
  for (int i = 0; i < 200; ++i) {
    Send("x");
    Receive();
  }
  ::usleep(300'000);  // until the standby sleeps
  timespec before = {};
  timespec after = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  ::usleep(300'000);
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const double used = static_cast<double>(after.tv_sec - before.tv_sec) +
                      static_cast<double>(after.tv_nsec - before.tv_nsec) / 1e9;
  EXPECT_LT(used, 0.01);
}

TEST_F(LoopTest, WaitingOutsideALoopDoesNothing) {
  Loop::BeforeBlocking();
  const Loop::DiskWait disk;
}

}  // namespace
}  // namespace veneer
