// SPDX-License-Identifier: Apache-2.0
#include "tools/run/daemon.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace veneer {
namespace {

TEST(DaemonOptionsTest, EscapesWhatWouldEndAnOption) {
  DaemonSpec spec;
  spec.lowers = {"/a:b", "/c,d"};
  spec.upper = "/u\\p";
  spec.work = "/w";
  spec.source = "web";
  spec.options = {"noacl", "timeout=1"};
  EXPECT_EQ(DaemonOptions(spec),
            "lowerdir=/a\\:b:/c\\,d,upperdir=/u\\\\p,workdir=/w,fsname=web,noacl,timeout=1");
  spec.upper.clear();
  spec.objects = "/o";
  EXPECT_EQ(DaemonOptions(spec), "lowerdir=/a\\:b:/c\\,d,objects=/o,fsname=web,noacl,timeout=1");
}

TEST(WaitUntilGoneTest, SeesTheEndOfAProcessAndTheEndOfPatience) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const auto id = ProcessId::Of(child);
  ASSERT_TRUE(id);
  EXPECT_FALSE(WaitUntilGone(*id, std::chrono::milliseconds(20)));
  kill(child, SIGKILL);
  EXPECT_TRUE(WaitUntilGone(*id, std::chrono::seconds(10)));
}

}  // namespace
}  // namespace veneer
