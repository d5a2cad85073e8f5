// SPDX-License-Identifier: Apache-2.0
//
// Loop: the threads that take requests from the device and serve them.
//
// Leader and followers. Exactly one thread, the leader, waits on the device; it serves what it read
// itself. That is the cheapest way when requests come one after another, as they do when one
// program walks a tree: no second thread is woken, nothing is handed over, the caches stay warm. A
// handler that is about to do something long says so (BeforeBlocking): leadership passes to a
// follower, which is woken or made for it, and the handler's thread goes on with its one request
// and then becomes a follower. So a short request never waits behind a long one, and threads exist
// only when long requests do. Followers that had nothing to do for a while end. The same hand-over
// happens when the leader finds the next request waiting again and again (a backlog), and the
// machine has a processor to spare.
//
// The standby. What takes long is not always known before: a directory may have to come from a slow
// disk, and the kernel makes writers wait when too much is unwritten. So one follower, the standby,
// looks every few milliseconds whether the leader is still at the request it was at the last time,
// and then takes leadership from it. While nothing happens it sleeps like the others.
//
// Adaptive polling. A program that got its answer often sends the next request within microseconds,
// but putting a thread to sleep and waking it costs more than the whole request. So the leader
// tries to read for a short window before it sleeps. The window is used only while it pays: "heat"
// rises when a request comes soon after the last reply, falls faster when a window passed in vain,
// and is nought when the mount is idle, so an idle mount costs nothing. On a busy machine, where
// others wait for the processor, trying does harm: a window in which this thread was put aside
// turns trying off for a growing while. On a single processor the window is never used: it would
// only keep the caller from running.
//
// The device is set to non-blocking; the leader sleeps in poll(2), where Stop() can wake it.
#ifndef VENEER_FS_FUSE_LOOP_H_
#define VENEER_FS_FUSE_LOOP_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"

namespace veneer {

struct LoopOptions {
  size_t buffer_size = 0;  // the longest request
  int max_threads = 16;
  std::chrono::microseconds window{50};  // how long a busy leader tries before it sleeps; 0: never
  std::chrono::milliseconds linger{5000};  // how long a follower waits for work before it ends
  std::chrono::milliseconds tick{5};       // how often the standby looks after the leader
  // Waits for the disk of this length are worth waking a follower for; that and its turn at the
  // device take about a tenth.
  std::chrono::microseconds long_wait{500};
  int processors = 1;  // those this process may use
};

class Loop {
 public:
  // Serves one request; the bytes may be changed. Must not throw.
  using Serve = std::function<void(char* request, size_t size)>;

  // `device` stays the caller's and must outlive the loop.
  static Sys<std::unique_ptr<Loop>> Create(int device, LoopOptions options, Serve serve);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Serves until the device ends (the file system was unmounted) or Stop() is called; returns after
  // all requests that were taken are served. The calling thread is one of those that serve. Call
  // once.
  void Run();
  // Makes Run() return soon. From any thread, any number of times.
  void Stop();

  // Called by a handler before something that can take long. Does nothing in a thread that does not
  // lead.
  static void BeforeBlocking();

  // Lives while a handler waits for the disk, which may be a matter of microseconds or of many
  // milliseconds. Waking a follower costs more than a fast disk takes, so it is done where such
  // waits have been long lately, or where other requests are waiting already; a single long one is
  // the standby's business. Does nothing in a thread of no loop.
  class DiskWait {
   public:
    DiskWait();
    ~DiskWait();
    DiskWait(const DiskWait&) = delete;
    DiskWait& operator=(const DiskWait&) = delete;

   private:
    Loop* const loop_;
    const std::chrono::steady_clock::time_point start_;
  };

  // The number of threads now. For tests.
  int thread_count() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Worker;
  enum class Wait { kRequest, kEnded };

  Loop(int device, Fd wake, LoopOptions options, Serve serve);
  void RunWorker(bool is_first);
  // Waits for leadership. False: the loop has ended, or this follower has waited for nothing.
  bool BecomeLeader(bool is_first);
  // The part of BecomeLeader() that only the standby plays. False: the loop has ended.
  bool StandBy() REQUIRES(mutex_);
  // Makes a follower, if none waits and one more is allowed.
  void EnsureFollower() REQUIRES(mutex_);
  void Lead(Worker& worker);
  // As leader: the next request into the worker's buffer.
  Wait Receive(Worker& worker, size_t& size);
  // One try to read: >0 the size, 0 nothing there, <0 the device ended.
  long TryRead(Worker& worker);
  // Tries to read again and again, for as long as that may pay. As TryRead().
  long TryForAWhile(Worker& worker, Clock::time_point start);
  // Gives leadership away, to a follower that waits or a new thread; nothing when the standby took
  // it.
  void HandOver(Worker& worker);
  // As leader, after a request: false when the standby took leadership meanwhile.
  bool EndServing(const Worker& worker);
  void End();
  void JoinFinished();

  const int device_;
  const Fd wake_;  // an eventfd, readable when the loop must end
  const LoopOptions options_;
  const Serve serve_;

  // Nanoseconds; a moving average of what DiskWait saw.
  std::atomic<int64_t> disk_wait_{0};

  // Odd while the leader serves a request. Whoever changes it from odd to even ends that state: the
  // leader when it is done or hands over, or the standby, who is the leader then.
  std::atomic<uint64_t> progress_{0};
  std::atomic<bool> standby_asleep_{false};

  // Used by the leader only; handed over with leadership, under mutex_ or by progress_.
  int heat_ = 0;
  int penalty_ = 64;
  int backlog_ = 0;

  mutable Mutex mutex_;
  CondVar follower_wanted_;
  CondVar standby_wanted_;
  bool leader_free_ GUARDED_BY(mutex_) = true;
  bool ended_ GUARDED_BY(mutex_) = false;
  int idle_ GUARDED_BY(mutex_) = 0;      // threads in BecomeLeader() but for the standby
  int starting_ GUARDED_BY(mutex_) = 0;  // threads that were made and are not there yet
  bool has_standby_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);   // beside the one in Run()
  std::vector<std::thread> finished_ GUARDED_BY(mutex_);  // those that have ended, to be joined
};

}  // namespace veneer

#endif  // VENEER_FS_FUSE_LOOP_H_
