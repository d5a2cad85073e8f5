// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/served_mount.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layerdb/base/process_progress.h"

namespace veneer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(ServedMountTest, ItsServerIsFoundByTheDeviceUntilItEnds) {
  const dev_t device = makedev(0, 0xfffff);
  {
    auto mount = ServedMount::Announce(device);
    ASSERT_TRUE(mount);
    EXPECT_EQ(ServerOf(device), ::getpid());
    EXPECT_EQ(DeviceServedBy(::getpid()), device);
    ASSERT_TRUE(mount->AnnounceEnd());
    EXPECT_EQ(ServerOf(device), std::nullopt);
    EXPECT_EQ(DeviceServedBy(::getpid()), ServedMount::kEnded);
  }
  EXPECT_EQ(DeviceServedBy(::getpid()), std::nullopt);
}

TEST(ServedMountTest, AServerThatIsKilledLeavesNothing) {
  const dev_t device = makedev(0, 0xffffe);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto mount = ServedMount::Announce(device);
    if (::write(ends[1], "", 1) == 1) ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  EXPECT_EQ(ServerOf(device), child);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(ServerOf(device), std::nullopt);
}

TEST(ServedMountTest, OtherLocksAreNotTakenForOne) {
  const char* text =
      "1: FLOCK  ADVISORY  WRITE 11 fe:00:12 0 EOF\n"
      "2: POSIX  ADVISORY  READ  12 00:01:13 1073741826 1073742335\n"
      "3: OFDLCK ADVISORY  READ -1 00:01:14 8533870988020940855 8533870988020940855\n"
      "3: -> POSIX ADVISORY READ 15 00:01:14 8533870988020940855 8533870988020940855\n"
      "nonsense\n\n"
      "4: POSIX  ADVISORY  READ  16 00:01:15 8533870988020940855 8533870988020940855\n";
  EXPECT_THAT(MountServersBy(ParseLocks(text)), ElementsAre(MountServer{16, makedev(0, 55)}));
}

TEST(ServedMountTest, DevicesAreReadAsTheMountTableWritesThem) {
  EXPECT_EQ(ParseDevice("0:55"), makedev(0, 55));
  EXPECT_EQ(ParseDevice("254:1"), makedev(254, 1));
  for (const char* bad : {"", "55", ":", "0:", ":1", "0:x", "0:1 "}) {
    EXPECT_EQ(ParseDevice(bad), std::nullopt) << bad;
  }
}

TEST(ProcessProgressTest, AProcessThatSleepsIsStuckAndOneThatComputesIsNot) {
  const pid_t sleeper = ::fork();
  if (sleeper == 0) {
    ::pause();
    ::_exit(0);
  }
  const pid_t worker = ::fork();
  if (worker == 0) {
    for (volatile bool on = true; on;) {
    }
  }
  ProcessProgress asleep(sleeper);
  ProcessProgress busy(worker);
  for (int i = 0; i < 20; ++i) {
    asleep.StuckFor();
    busy.StuckFor();
    ::usleep(10000);
  }
  EXPECT_GE(asleep.StuckFor(), std::chrono::milliseconds(150));
  EXPECT_LT(busy.StuckFor(), std::chrono::milliseconds(100));
  for (const pid_t child : {sleeper, worker}) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
}

}  // namespace
}  // namespace veneer
