// SPDX-License-Identifier: Apache-2.0
#include "layerdb/threads/parallel_reads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <system_error>

namespace veneer {

namespace {
// What is in memory takes some 5 µs, a visit to a disk that has no moving parts 80 or more.
constexpr std::chrono::microseconds kWaited{40};
// As many as disks of today answer together without making the single answer much slower.
constexpr size_t kHelpers = 8;
// Fewer are not worth it to wake others.
constexpr size_t kWorthSharing = 2;
}  // namespace

struct ParallelReads::Job {
  Job(size_t n, FunctionRef<void(size_t)> r) : count(n), read(r) {}

  // Makes one of the reads. False: all are taken.
  bool TakeOne() {
    const size_t index = next.fetch_add(1);
    if (index >= count) return false;
    try {
      read(index);
    } catch (...) {
      const MutexLock lock(mutex);
      if (!thrown) thrown = std::current_exception();
    }
    if (done.fetch_add(1) + 1 == count) {
      const MutexLock lock(mutex);
      all_done.NotifyOne();
    }
    return true;
  }

  const size_t count;
  const FunctionRef<void(size_t)> read;  // valid while an index is left
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  Mutex mutex;
  CondVar all_done;
  std::exception_ptr thrown GUARDED_BY(mutex);
};

ParallelReads::~ParallelReads() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  wanted_.NotifyAll();
  for (std::thread& helper : helpers_) helper.join();
}

void ParallelReads::Run(size_t count, FunctionRef<void(size_t)> read) {
  const auto job = std::make_shared<Job>(count, read);
  bool shared = false;
  auto before = std::chrono::steady_clock::now();
  while (job->TakeOne()) {
    if (shared) continue;
    const auto now = std::chrono::steady_clock::now();
    const size_t taken = job->next.load();
    if (now - before >= kWaited && taken + kWorthSharing <= count) {
      Share(job);
      shared = true;
    }
    before = now;
  }
  const MutexLock lock(job->mutex);
  while (job->done.load() != count) job->all_done.Wait(job->mutex);
  if (job->thrown) std::rethrow_exception(job->thrown);
}

void ParallelReads::Share(const std::shared_ptr<Job>& job) {
  {
    const MutexLock lock(mutex_);
    jobs_.push_back(job);
    try {
      while (helpers_.size() < kHelpers) helpers_.emplace_back([this] { Help(); });
    } catch (const std::system_error&) {
      // No more threads are to be had: those that are there, or the caller alone, do it.
    }
  }
  const size_t left = job->count - std::min(job->count, job->next.load());
  for (size_t i = std::min(left, kHelpers); i > 0; --i) wanted_.NotifyOne();
}

void ParallelReads::Help() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      const MutexLock lock(mutex_);
      while (!ending_ && jobs_.empty()) wanted_.Wait(mutex_);
      if (ending_) return;
      job = jobs_.front();
    }
    while (job->TakeOne()) {
    }
    const MutexLock lock(mutex_);
    const auto there = std::find(jobs_.begin(), jobs_.end(), job);
    if (there != jobs_.end()) jobs_.erase(there);
  }
}

}  // namespace veneer
