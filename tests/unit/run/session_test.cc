// SPDX-License-Identifier: Apache-2.0
#include "tools/run/session.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "layerdb/base/mount_table.h"
#include "tests/unit/run/session_fixture.h"
#include "tools/run/mount_stubs.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

TEST_F(SessionTest, TheExitCodeIsTheCommands) {
  EXPECT_EQ(Run("exit 0"), 0) << error_;
  EXPECT_EQ(Run("exit 41"), 41) << error_;
  EXPECT_EQ(Run("kill -TERM $$"), 128 + SIGTERM) << error_;
  EXPECT_EQ(Run("kill -KILL $$"), 128 + SIGKILL) << error_;
  spec_.process.argv = {"no-such-command"};
  EXPECT_EQ(RunSpec(), 127);
  EXPECT_EQ(error_, "veneer: no-such-command: No such file or directory\n");
  spec_.process.argv = {"/etc/passwd"};
  EXPECT_EQ(RunSpec(), 126);
}

TEST_F(SessionTest, TheCommandSeesOnlyItsOwnWorld) {
  ASSERT_EQ(
      Run("ls -A /; echo; ls /proc | grep -c '^[0-9]'; cat /proc/1/comm; readlink /proc/self/cwd"),
      0)
      << error_;
  EXPECT_NE(output_.find("\nproc\n"), std::string::npos);
  EXPECT_EQ(output_.find("home"), std::string::npos);
  EXPECT_NE(output_.find("veneer-init\n/\n"), std::string::npos) << output_;
  ASSERT_EQ(Run("ls /proc/self/fd"), 0);
  EXPECT_EQ(output_, "0\n1\n2\n3\n");  // 3 is ls's own
  ASSERT_EQ(Run("cat /proc/self/mountinfo"), 0);
  for (const MountEntry& entry : ParseMountInfo(output_)) {
    EXPECT_EQ(entry.mount_point.find(dir_), std::string::npos) << entry.mount_point;
  }
}

TEST_F(SessionTest, DevicesWork) {
  ASSERT_EQ(
      Run("echo x > /dev/null && head -c 4 /dev/zero | od -An -tx1 && head -c 8 /dev/urandom | wc "
          "-c && "
          "test -c /dev/full -a -c /dev/tty -a -c /dev/random && touch /dev/shm/x && "
          "test \"$(stat -fc %T /dev/pts)\" = devpts && echo via-fd >> /dev/stdout && ls /dev"),
      0)
      << error_;
  EXPECT_EQ(output_.substr(0, 22), " 00 00 00 00\n8\nvia-fd\n");
}

TEST_F(SessionTest, NothingIsLeftInTheTreeOrMounted) {
  const std::vector<std::string> before = Tree();
  ASSERT_EQ(
      Run("test -s /etc/hosts && echo changed > /etc/hosts && touch /run/x && test -d /sys/kernel"),
      0)
      << error_;
  EXPECT_EQ(Tree(), before);
  EXPECT_FALSE(MountStubs::Listed(spec_.stub_record));
  const auto table = ReadMountTable();
  ASSERT_TRUE(table);
  for (const MountEntry& entry : *table) EXPECT_EQ(entry.mount_point.find(dir_), std::string::npos);
}

TEST_F(SessionTest, HostsAndResolverAreCopies) {
  const std::string host = Read("/etc/hosts");
  ASSERT_EQ(Run("cat /etc/hosts; echo 1.2.3.4 evil > /etc/hosts"), 0) << error_;
  EXPECT_EQ(output_, host);
  EXPECT_EQ(Read("/etc/hosts"), host);
}

TEST_F(SessionTest, UsersAreTheImages) {
  if (IsOrdinaryUser()) GTEST_SKIP() << "an ordinary user without /etc/subuid has one id only";
  spec_.process.user = "other";
  ASSERT_EQ(Run("id -u; id -g; id -G; echo $HOME"), 0) << error_;
  EXPECT_EQ(output_, "1234\n1235\n1235 77\n/home/other\n");
  spec_.process.user = "nobody-here";
  EXPECT_EQ(Run("id -u"), 98);
  EXPECT_EQ(error_, "no user 'nobody-here' in the image");
}

TEST_F(SessionTest, EnvironmentAndDirectoryAreGiven) {
  setenv("VENEER_TEST_LEAK", "1", 1);
  spec_.process.environment = {"A=1", "A=2"};
  spec_.process.working_dir = "/work/deep";
  spec_.process.make_working_dir = true;
  ASSERT_EQ(Run("pwd; echo $A; env | grep -c LEAK"), 1) << error_;
  EXPECT_EQ(output_, "/work/deep\n2\n0\n");
  spec_.process.working_dir = "/absent";
  spec_.process.make_working_dir = false;
  EXPECT_EQ(Run("pwd"), 126);
  EXPECT_EQ(error_, "veneer: change to directory /absent: No such file or directory\n");
}

TEST_F(SessionTest, BindMountsShowAndProtect) {
  fs::create_directory(dir_ + "/shared");
  std::ofstream(dir_ + "/shared/file") << "host";
  spec_.binds.push_back({dir_ + "/shared", "/mnt/rw", false});
  spec_.binds.push_back({dir_ + "/shared", "/mnt/ro", true});
  spec_.binds.push_back({dir_ + "/shared/file", "/one", true});
  ASSERT_EQ(Run("cat /one && echo x > /mnt/rw/new && ! touch /mnt/ro/no 2>/dev/null"), 0) << error_;
  EXPECT_EQ(output_, "host");
  EXPECT_TRUE(fs::exists(dir_ + "/shared/new"));
  EXPECT_FALSE(fs::exists(dir_ + "/root/mnt"));
  spec_.binds.push_back({dir_ + "/absent", "/x", true});
  EXPECT_EQ(Run("true"), 98);
  EXPECT_EQ(error_, dir_ + "/absent: No such file or directory");
}

TEST_F(SessionTest, ReadOnlyMeansTheTreeAndNotItsOwnFileSystems) {
  spec_.read_only = true;
  ASSERT_EQ(Run("! touch /etc/new 2>/dev/null && touch /run/x /dev/shm/x"), 0) << error_;
  EXPECT_FALSE(fs::exists(dir_ + "/root/run"));
}

TEST_F(SessionTest, NoNetworkMeansLoopbackOnly) {
  spec_.network = Network::kNone;
  ASSERT_EQ(Run("ls /sys/class/net; cat /sys/class/net/lo/flags; test -e /etc/resolv.conf"), 1)
      << error_;
  EXPECT_EQ(output_, "lo\n0x9\n");
}

TEST_F(SessionTest, BackgroundProcessesEndWithTheCommand) {
  const pid_t before = getpid();
  ASSERT_EQ(Run("sleep 1000 & setsid sleep 1001 & exit 3"), 3) << error_;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string line = Read(entry.path().string() + "/cmdline");
    EXPECT_NE(line, std::string("sleep\0001001\0", 11)) << entry.path() << " of " << before;
  }
}

TEST_F(SessionTest, OrphansAreReaped) {
  ASSERT_EQ(Run("for i in 1 2 3 4 5; do (sh -c 'exit 0' & ) ; done; sleep 0.3; "
                "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l"),
            0)
      << error_;
  EXPECT_EQ(output_, "0\n");
}

TEST_F(SessionTest, SignalsReachTheCommand) {
  spec_.process.argv = {"sh", "-c",
                        "trap 'echo term; exit 7' TERM; echo ready; while :; do sleep 0.05; done"};
  const pid_t child = Start(dir_ + "/out", dir_ + "/err");
  ASSERT_TRUE(WaitForOutput("ready"));
  kill(child, SIGTERM);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(Read(dir_ + "/out"), "ready\nterm\n");
}

TEST_F(SessionTest, AKilledCallerTakesEverythingWithIt) {
  spec_.process.argv = {"sh", "-c", "echo ready; exec sleep 4242"};
  const pid_t child = Start(dir_ + "/out", dir_ + "/err");
  ASSERT_TRUE(WaitForOutput("ready"));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  const auto running = [&] {
    for (const auto& entry : fs::directory_iterator("/proc")) {
      if (Read(entry.path().string() + "/cmdline") == std::string("sleep\0004242\0", 11))
        return true;
    }
    return false;
  };
  const auto ended = [&] { return !running() && !MountStubs::Listed(spec_.stub_record); };
  for (int i = 0; i < 1000 && !ended(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(ended());
  EXPECT_FALSE(fs::exists(dir_ + "/root/run"));
}

}  // namespace
}  // namespace veneer
