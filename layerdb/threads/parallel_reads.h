// SPDX-License-Identifier: Apache-2.0
//
// ParallelReads: many small reads of which each may wait for a disk, such as a directory that lies
// in a hundred layers. A disk answers ten questions in the time of one when they are asked
// together; what is in memory is read faster by one thread than it is handed to another. So the
// caller reads, and only when it had to wait it lets others help.
//
// Thread-safe. Threads are made when they are needed first and stay, asleep.
#ifndef VENEER_LAYERDB_THREADS_PARALLEL_READS_H_
#define VENEER_LAYERDB_THREADS_PARALLEL_READS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/mutex.h"

namespace veneer {

class ParallelReads {
 public:
  ParallelReads() = default;
  ~ParallelReads();
  ParallelReads(const ParallelReads&) = delete;
  ParallelReads& operator=(const ParallelReads&) = delete;

  // Calls read(0) … read(count - 1), each once, in any order and from several threads, and returns
  // when all have returned. What one of them throws is thrown here. `read` must not call Run().
  void Run(size_t count, FunctionRef<void(size_t)> read);

 private:
  struct Job;
  void Share(const std::shared_ptr<Job>& job);
  void Help();

  Mutex mutex_;
  CondVar wanted_;
  std::deque<std::shared_ptr<Job>> jobs_ GUARDED_BY(mutex_);  // those that may want help
  bool ending_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> helpers_ GUARDED_BY(mutex_);
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_PARALLEL_READS_H_
