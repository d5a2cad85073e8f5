// SPDX-License-Identifier: Apache-2.0
//
// Worker: a thread with a result. An exception in it (there is no memory) becomes an Error instead
// of the end of the process.
#ifndef VENEER_LAYERDB_THREADS_WORKER_H_
#define VENEER_LAYERDB_THREADS_WORKER_H_

#include <exception>
#include <functional>
#include <thread>
#include <utility>

#include "layerdb/base/result.h"

namespace veneer {

class Worker {
 public:
  explicit Worker(std::function<Result<void>()> body)
      : thread_([this, body = std::move(body)] {
          try {
            result_ = body();
          } catch (const std::exception& e) {
            result_ = MakeError(e.what());
          }
        }) {}
  ~Worker() {
    if (thread_.joinable()) thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Waits for the end of the thread. Call once.
  Result<void> Join() {
    thread_.join();
    return std::move(result_);
  }

 private:
  Result<void> result_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_THREADS_WORKER_H_
