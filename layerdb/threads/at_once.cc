// SPDX-License-Identifier: Apache-2.0
#include "layerdb/threads/at_once.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "layerdb/threads/worker.h"

namespace veneer {

Result<void> RunAtOnce(size_t count, unsigned at_once, Cancellation& stop,
                       FunctionRef<Result<void>(size_t)> work) {
  std::atomic<size_t> next = 0;
  const auto run = [&]() -> Result<void> {
    for (size_t i = next++; i < count; i = next++) {
      VENEER_TRY_VOID(Cancellation::Check(&stop));
      Result<void> done = work(i);
      if (done) continue;
      stop.Request();
      return done;
    }
    return {};
  };
  std::vector<std::unique_ptr<Worker>> workers;
  try {
    while (workers.size() + 1 < std::min<size_t>(at_once, count)) {
      workers.push_back(std::make_unique<Worker>(run));
    }
  } catch (const std::system_error&) {
    // Those that are there do it all.
  }
  Result<void> result = run();
  for (const std::unique_ptr<Worker>& worker : workers) {
    Result<void> joined = worker->Join();
    if (!joined && (result || result.error().code() == ECANCELED)) result = std::move(joined);
  }
  return result;
}

}  // namespace veneer
