// SPDX-License-Identifier: Apache-2.0
#include "fs/upper/lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include "layerdb/base/fd.h"
#include "layerdb/base/served_mount.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

using Clock = std::chrono::steady_clock;

class LockTest : public ::testing::Test {
 protected:
  LockTest() : path_(MakeTempDir("lock")) {
    fd_ = Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~LockTest() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    std::filesystem::remove_all(path_);
  }

  // A process that has the directory locked, and then does this.
  void HeldBy(const std::function<void()>& act) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    child_ = ::fork();
    if (child_ == 0) {
      const Fd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      ::flock(fd.get(), LOCK_EX);
      // What the test needs to see before it tries.
      if (::write(ends[1], "", 1) == 1) act();
      ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(ends[0], &byte, 1), 1);
    ::close(ends[0]);
    ::close(ends[1]);
  }

  static void Compute(std::chrono::milliseconds time) {
    const auto end = Clock::now() + time;
    while (Clock::now() < end) {
    }
  }

  std::string path_;
  Fd fd_;
  pid_t child_ = 0;
};

TEST_F(LockTest, AHolderThatClosesWhatItHadIsWaitedForAsLongAsItGetsOn) {
  HeldBy([] {
    auto mount = ServedMount::Announce(makedev(0, 0xffff1));
    if (mount && mount->AnnounceEnd()) Compute(std::chrono::seconds(3));
  });
  const Result<void> locked = LockDirectory(fd_.get(), "upper directory x");
  EXPECT_TRUE(locked) << locked.error().message();
}

TEST_F(LockTest, AHolderThatHasNotNoticedItsUnmountIsWaitedFor) {
  HeldBy([] {
    const auto mount = ServedMount::Announce(makedev(0, 0xffff2));
    Compute(std::chrono::seconds(3));
  });
  const Result<void> locked = LockDirectory(fd_.get(), "upper directory x");
  EXPECT_TRUE(locked) << locked.error().message();
}

TEST_F(LockTest, AHolderThatIsMountedIsNamedSoonHoweverBusyItIs) {
  struct stat root = {};
  ASSERT_EQ(::stat("/proc", &root), 0);
  HeldBy([&] {
    const auto mount = ServedMount::Announce(root.st_dev);
    Compute(std::chrono::seconds(30));
  });
  const auto begin = Clock::now();
  const Result<void> locked = LockDirectory(fd_.get(), "upper directory x");
  ASSERT_FALSE(locked);
  EXPECT_EQ(locked.error().exit(), ExitCode::kInUse);
  EXPECT_NE(locked.error().message().find("pid " + std::to_string(child_)), std::string::npos)
      << locked.error().message();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(LockTest, AHolderThatEndedAndSleepsForEverIsNotWaitedForForEver) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "a thread of the sanitizer computes in the holder, so it does not sleep";
#endif
  HeldBy([] {
    auto mount = ServedMount::Announce(makedev(0, 0xffff3));
    if (mount && mount->AnnounceEnd()) ::pause();
  });
  const auto begin = Clock::now();
  EXPECT_FALSE(LockDirectory(fd_.get(), "upper directory x"));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace veneer
