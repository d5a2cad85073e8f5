// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "layerdb/base/log.h"

namespace veneer {
namespace {

// Heat: below kWarm the leader sleeps at once. A window in vain costs kMiss, so that a caller that
// pauses between requests is not waited for long.
constexpr int kWarm = 2;
constexpr int kHot = 16;
constexpr int kMiss = 4;

// When other programs want the processor too, giving way to them while trying costs a whole time
// slice, and a thread that sleeps is woken sooner than one that waits for its turn. So a window in
// which this thread did not run for long turns trying off for some requests, for twice as many the
// next time.
constexpr int kLeastPenalty = 64;
constexpr int kMostPenalty = 1 << 16;

// So many requests in a row that were waiting already make a backlog; and a second thread that
// serves is worth its hand-over only when caller, leader and it have a processor each.
constexpr int kBacklog = 16;
constexpr int kBacklogProcessors = 3;

// After so many ticks without a request the standby sleeps until there is one.
constexpr int kQuietTicks = 20;

}  // namespace

// A thread of the loop. The buffer is allocated, but only the pages that requests filled take
// memory.
struct Loop::Worker {
  explicit Worker(Loop& owner) : loop(owner), buffer(new char[owner.options_.buffer_size]) {}
  Loop& loop;
  std::unique_ptr<char[]> buffer;
  bool leading = false;
  uint64_t serving = 0;  // what the leader made of progress_ for its request
  bool backlog = false;  // others were waiting when it was read
};

namespace {
thread_local void* current_worker = nullptr;
}  // namespace

Sys<std::unique_ptr<Loop>> Loop::Create(int device, LoopOptions options, Serve serve) {
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return FailErrno();
  const int flags = ::fcntl(device, F_GETFL);
  if (flags < 0 || ::fcntl(device, F_SETFL, flags | O_NONBLOCK) < 0) return FailErrno();
  if (options.processors < 2) options.window = std::chrono::microseconds(0);
  return std::unique_ptr<Loop>(new Loop(device, std::move(wake), options, std::move(serve)));
}

Loop::Loop(int device, Fd wake, LoopOptions options, Serve serve)
    : device_(device), wake_(std::move(wake)), options_(options), serve_(std::move(serve)) {}

Loop::~Loop() = default;

void Loop::Run() {
  RunWorker(/*is_first=*/true);
  // Only the first worker comes here, and only when the loop has ended: the others are on their way
  // out.
  while (true) {
    std::vector<std::thread> joining;
    {
      const MutexLock lock(mutex_);
      joining = std::exchange(threads_, {});
      for (std::thread& thread : finished_) joining.push_back(std::move(thread));
      finished_.clear();
    }
    if (joining.empty()) return;
    for (std::thread& thread : joining) thread.join();
  }
}

void Loop::Stop() {
  const uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof(one)) != sizeof(one) && errno != EAGAIN) {
    LogError("cannot wake the request loop: " + ErrnoText(errno));
  }
}

void Loop::End() {
  const MutexLock lock(mutex_);
  ended_ = true;
  follower_wanted_.NotifyAll();
  standby_wanted_.NotifyAll();
}

int Loop::thread_count() const {
  const MutexLock lock(mutex_);
  return 1 + static_cast<int>(threads_.size());
}

void Loop::RunWorker(bool is_first) {
  Worker worker(*this);
  current_worker = &worker;
  while (BecomeLeader(is_first)) {
    worker.leading = true;
    Lead(worker);
  }
  current_worker = nullptr;
  if (is_first) return;
  // Hand the thread's own handle to whoever joins next. Run() may have taken it already.
  const MutexLock lock(mutex_);
  const auto self = std::find_if(threads_.begin(), threads_.end(), [](const std::thread& thread) {
    return thread.get_id() == std::this_thread::get_id();
  });
  if (self == threads_.end()) return;
  finished_.push_back(std::move(*self));
  threads_.erase(self);
}

bool Loop::BecomeLeader(bool is_first) {
  const MutexLock lock(mutex_);
  if (!has_standby_) {
    has_standby_ = true;
    const bool leads = StandBy();
    has_standby_ = false;
    if (leads) EnsureFollower();
    return leads;
  }
  ++idle_;
  const Clock::time_point end = Clock::now() + options_.linger;
  while (!ended_ && !leader_free_) {
    if (is_first) {
      follower_wanted_.Wait(mutex_);
    } else if (!follower_wanted_.WaitUntil(mutex_, end)) {
      break;
    }
  }
  --idle_;
  if (ended_ || !leader_free_) return false;
  leader_free_ = false;
  return true;
}

bool Loop::StandBy() {
  uint64_t last = progress_;
  int quiet = 0;
  while (true) {
    if (ended_) return false;
    if (leader_free_) {
      leader_free_ = false;
      return true;
    }
    if (quiet < kQuietTicks) {
      standby_wanted_.WaitFor(mutex_, options_.tick);
    } else {
      // The leader reads this flag after it changed progress_, and this thread the other way round:
      // one of the two sees the other.
      standby_asleep_ = true;
      if (progress_ == last) standby_wanted_.Wait(mutex_);
      standby_asleep_ = false;
    }
    uint64_t now = progress_;
    const bool serving = now % 2 == 1;
    if (serving && now == last && progress_.compare_exchange_strong(now, now + 1)) return true;
    quiet = now == last && !serving ? quiet + 1 : 0;
    last = now;
  }
}

void Loop::EnsureFollower() {
  if (idle_ > 0 || starting_ > 0 || has_standby_ || ended_) return;
  if (static_cast<int>(threads_.size()) + 1 >= options_.max_threads) return;
  try {
    threads_.emplace_back([this] {
      {
        const MutexLock lock(mutex_);
        --starting_;
      }
      RunWorker(/*is_first=*/false);
    });
    ++starting_;
  } catch (const std::system_error& e) {
    // Whoever is ready first will lead.
    LogWarning(std::string("no further thread for requests: ") + e.what());
  }
}

void Loop::Lead(Worker& worker) {
  while (worker.leading) {
    size_t size = 0;
    if (Receive(worker, size) == Wait::kEnded) {
      worker.leading = false;
      End();
      return;
    }
    worker.backlog = backlog_ >= kBacklog;
    worker.serving = ++progress_;  // from here on the standby may take over
    if (standby_asleep_) {
      const MutexLock lock(mutex_);
      standby_wanted_.NotifyOne();
    }
    if (worker.backlog && options_.processors >= kBacklogProcessors) HandOver(worker);
    serve_(worker.buffer.get(), size);
    if (worker.leading) worker.leading = EndServing(worker);
  }
}

long Loop::TryRead(Worker& worker) {
  while (true) {
    const ssize_t n = ::read(device_, worker.buffer.get(), options_.buffer_size);
    if (n > 0) return n;
    if (n == 0) return -1;  // a socket in the place of the device
    if (errno == EAGAIN) return 0;
    if (errno == EINTR || errno == ENOENT) continue;  // ENOENT: the caller gave up meanwhile
    // Both are what the end of the connection looks like; which one it is depends on what ended it
    // and on the moment.
    if (errno != ENODEV && errno != ECONNABORTED) {
      LogError("reading requests failed: " + ErrnoText(errno));
    }
    return -1;
  }
}

long Loop::TryForAWhile(Worker& worker, Clock::time_point start) {
  for (Clock::time_point last = start;;) {
    // The reply may have woken the caller on this very processor: let it run first.
    ::sched_yield();
    const long n = TryRead(worker);
    const Clock::time_point now = Clock::now();
    if (now - last > options_.window) {
      heat_ = -penalty_;
      penalty_ = std::min(penalty_ * 2, kMostPenalty);
      return n;
    }
    if (n != 0) {
      heat_ = std::min(heat_ + 1, kHot);
      penalty_ = std::max(penalty_ - 1, kLeastPenalty);
      return n;
    }
    if (now - start > options_.window) {
      heat_ -= kMiss;
      return 0;
    }
    last = now;
  }
}

Loop::Wait Loop::Receive(Worker& worker, size_t& size) {
  const auto take = [&size](long n) {
    if (n < 0) return Wait::kEnded;
    size = static_cast<size_t>(n);
    return Wait::kRequest;
  };
  long n = TryRead(worker);
  if (n != 0) {
    backlog_ = std::min(backlog_ + 1, kBacklog);
    return take(n);
  }
  backlog_ = 0;
  const Clock::time_point start = Clock::now();
  if (options_.window.count() > 0 && heat_ >= kWarm) {
    n = TryForAWhile(worker, start);
    if (n != 0) return take(n);
  }
  while (true) {
    pollfd fds[2] = {{device_, POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) {
      LogError("waiting for requests failed: " + ErrnoText(errno));
      return Wait::kEnded;
    }
    if (fds[1].revents != 0) return Wait::kEnded;
    n = TryRead(worker);
    if (n == 0) continue;
    if (Clock::now() - start < options_.window) heat_ = std::min(heat_ + 1, kHot);
    return take(n);
  }
}

void Loop::BeforeBlocking() {
  auto* worker = static_cast<Worker*>(current_worker);
  if (worker != nullptr && worker->leading) worker->loop.HandOver(*worker);
}

Loop::DiskWait::DiskWait()
    : loop_(current_worker == nullptr ? nullptr : &static_cast<Worker*>(current_worker)->loop),
      start_(Clock::now()) {
  if (loop_ == nullptr) return;
  auto* worker = static_cast<Worker*>(current_worker);
  if (!worker->leading) return;
  if (std::chrono::nanoseconds(loop_->disk_wait_) >= loop_->options_.long_wait || worker->backlog) {
    loop_->HandOver(*worker);
  }
}

Loop::DiskWait::~DiskWait() {
  if (loop_ == nullptr) return;
  const auto took = std::chrono::nanoseconds(Clock::now() - start_).count();
  loop_->disk_wait_ += (took - loop_->disk_wait_) / 8;
}

bool Loop::EndServing(const Worker& worker) {
  uint64_t expected = worker.serving;
  return progress_.compare_exchange_strong(expected, expected + 1);
}

void Loop::HandOver(Worker& worker) {
  JoinFinished();
  const MutexLock lock(mutex_);
  worker.leading = false;
  if (!EndServing(worker)) return;
  backlog_ = 0;
  leader_free_ = true;
  EnsureFollower();
  if (idle_ > 0) {
    follower_wanted_.NotifyOne();
  } else {
    standby_wanted_.NotifyOne();
  }
}

void Loop::JoinFinished() {
  std::vector<std::thread> joining;
  {
    const MutexLock lock(mutex_);
    if (finished_.empty()) return;
    joining = std::exchange(finished_, {});
  }
  for (std::thread& thread : joining) thread.join();
}

}  // namespace veneer
