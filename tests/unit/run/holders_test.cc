// SPDX-License-Identifier: Apache-2.0
#include "tools/run/holders.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace veneer {
namespace {

TEST(HolderWords, NamesAFewAndCountsTheRest) {
  EXPECT_EQ(HolderWords({}), "");
  EXPECT_EQ(HolderWords({{1, "a"}}), "a (pid 1)");
  EXPECT_EQ(HolderWords({{1, "a"}, {2, "b"}, {3, "c"}}), "a (pid 1), b (pid 2) and c (pid 3)");
  std::vector<Holder> many;
  for (int i = 1; i <= 8; ++i) many.push_back({i, "x"});
  EXPECT_EQ(HolderWords(many), "x (pid 1), x (pid 2), x (pid 3), x (pid 4), x (pid 5) and 3 more");
}

// A child that holds something in /proc, which nobody else holds in just this way, is found by the
// device of it.
class HoldersTest : public ::testing::Test {
 protected:
  template <typename Hold>
  bool IsFound(dev_t device, const Hold& hold) {
    int ready[2];
    if (::pipe(ready) != 0) return false;
    const pid_t child = ::fork();
    if (child == 0) {
      if (hold()) IgnoreWrite(ready[1]);
      for (;;) ::pause();
    }
    ::close(ready[1]);
    char byte = 0;
    const bool held = ::read(ready[0], &byte, 1) == 1;
    ::close(ready[0]);
    const auto holders =
        HoldersOf(std::to_string(major(device)) + ":" + std::to_string(minor(device)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return held && std::ranges::any_of(holders, [&](const Holder& h) { return h.pid == child; }) &&
           std::ranges::none_of(holders, [](const Holder& h) { return h.pid == ::getpid(); });
  }

  static void IgnoreWrite(int fd) {
    if (::write(fd, "x", 1) != 1) _exit(1);
  }

  static dev_t DeviceOf(const char* path) {
    struct stat st = {};
    EXPECT_EQ(::stat(path, &st), 0);
    return st.st_dev;
  }
};

TEST_F(HoldersTest, FindsDirectoriesFilesAndMappings) {
  EXPECT_TRUE(IsFound(DeviceOf("/proc"), [] { return ::chdir("/proc") == 0; }));
  EXPECT_TRUE(IsFound(DeviceOf("/proc"), [] { return ::open("/proc/stat", O_RDONLY) >= 0; }));
  const int file = ::memfd_create("held", 0);
  struct stat st = {};
  ASSERT_EQ(::fstat(file, &st), 0);
  ASSERT_EQ(::ftruncate(file, 4096), 0);
  EXPECT_TRUE(IsFound(st.st_dev, [file] {
    const void* map = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file, 0);
    ::close(file);
    return map != MAP_FAILED;
  }));
  ::close(file);
}

TEST_F(HoldersTest, ADeviceThatIsNoneHasNone) {
  EXPECT_TRUE(HoldersOf("").empty());
  EXPECT_TRUE(HoldersOf("x:y").empty());
  EXPECT_TRUE(HoldersOf("4095:1048575").empty());
}

}  // namespace
}  // namespace veneer
