// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/store_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

namespace veneer {

pid_t StartChild(const std::function<void()>& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    body();
    // Without the destructors of the parent's fixture.
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  return pid;
}

int WaitFor(pid_t pid) {
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return status;
}

int RunInChild(const std::function<void()>& body) { return WaitFor(StartChild(body)); }

}  // namespace veneer
