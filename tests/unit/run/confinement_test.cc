// SPDX-License-Identifier: Apache-2.0
//
// What a command sees and may do in a session that is confined as a container.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/unit/run/session_fixture.h"
#include "tools/run/capabilities.h"
#include "tools/run/mount_stubs.h"
#include "tools/run/seccomp_profile.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStatus = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status";
// Counts what is mounted to hide something; fails for none.
constexpr const char* kMasks = "grep -c -E ' /(proc/|sys/firmware )' /proc/self/mountinfo";
constexpr const char* kContainer = "00000000a80425fb";
constexpr const char* kNone = "0000000000000000";

class ConfinementTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    spec_.confinement.emplace();
    profile_ = std::ranges::any_of(SeccompProfilePaths(),
                                   [](const std::string& path) { return fs::exists(path); });
  }

  static std::string Status(const std::string& inheritable, const std::string& permitted,
                            const std::string& effective, const std::string& bounding,
                            bool filtered) {
    return "CapInh:\t" + inheritable + "\nCapPrm:\t" + permitted + "\nCapEff:\t" + effective +
           "\nCapBnd:\t" + bounding + "\nCapAmb:\t" + kNone + "\nNoNewPrivs:\t0\nSeccomp:\t" +
           (filtered ? "2" : "0") + "\n";
  }

  bool profile_ = false;
};

TEST_F(ConfinementTest, RootHasTheCapabilitiesOfAContainerAndAnotherUserHasNone) {
  ASSERT_EQ(Run(kStatus), 0) << error_;
  EXPECT_EQ(output_, Status(kNone, kContainer, kContainer, kContainer, profile_));
  if (IsOrdinaryUser()) GTEST_SKIP() << "an ordinary user without /etc/subuid has one id only";
  spec_.process.user = "other";
  ASSERT_EQ(Run(kStatus), 0) << error_;
  EXPECT_EQ(output_, Status(kNone, kNone, kNone, kContainer, profile_));
}

TEST_F(ConfinementTest, WithoutItEveryRightStays) {
  spec_.confinement.reset();
  ASSERT_EQ(Run("grep -E '^(CapEff|Seccomp:)' /proc/self/status; " + std::string(kMasks)), 1)
      << error_;
  const size_t tab = output_.find('\t');
  EXPECT_NE(output_.substr(tab + 1, 16), kContainer);
  EXPECT_NE(output_.find("Seccomp:\t0\n0\n"), std::string::npos) << output_;
}

TEST_F(ConfinementTest, InsecureHasEveryRightAndSeesEverything) {
  spec_.confinement->insecure = true;
  ASSERT_EQ(Run("grep -E '^(CapEff|CapBnd|Seccomp:)' /proc/self/status; " + std::string(kMasks)), 1)
      << error_;
  EXPECT_EQ(output_.find(kContainer), std::string::npos) << output_;
  EXPECT_NE(output_.find("Seccomp:\t0\n0\n"), std::string::npos) << output_;
}

TEST_F(ConfinementTest, SystemCallsOutsideTheProfileFail) {
  if (!profile_) GTEST_SKIP() << "golang-github-containers-common is not installed";
  // kcmp(2) of oneself needs no capability.
  const std::string compare =
      "/usr/bin/python3 -c 'import ctypes, os; libc = ctypes.CDLL(None, use_errno=True); "
      "me = os.getpid(); print(libc.syscall(" +
      std::to_string(SYS_kcmp) + ", me, me, 2, 0, 0), ctypes.get_errno())'";
  ASSERT_EQ(Run(compare), 0) << error_;
  EXPECT_EQ(output_, "-1 " + std::to_string(EPERM) + "\n");
  if (!IsOrdinaryUser()) {
    spec_.process.user = "other";
    ASSERT_EQ(Run(compare), 0) << error_;
    EXPECT_EQ(output_, "-1 " + std::to_string(EPERM) + "\n");
  }
  spec_.confinement->insecure = true;
  ASSERT_EQ(Run(compare), 0) << error_;
  EXPECT_EQ(output_, "0 0\n");
}

TEST_F(ConfinementTest, MountsAreNotTheCommandsToMake) {
  EXPECT_NE(Run("mount -t tmpfs none /run"), 0);
  EXPECT_NE(Run("umount /sys/firmware || umount /proc/kcore"), 0);
  spec_.confinement->insecure = true;
  EXPECT_EQ(Run("mount -t tmpfs none /run"), 0) << error_;
}

TEST_F(ConfinementTest, PartsOfProcAndSysAreHiddenOrReadOnly) {
  ASSERT_EQ(
      Run("for f in kcore keys timer_list latency_stats sched_debug; do "
          "  test ! -e /proc/$f || test \"$(stat -c %t:%T /proc/$f)\" = 1:3 || echo $f; done; "
          "for d in /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do "
          "  test ! -e $d || test -z \"$(ls -A $d)\" || echo $d; "
          "  ! touch $d/new 2>/dev/null || echo wrote $d; done; "
          "for f in sys/vm/swappiness sysrq-trigger irq/default_smp_affinity; do "
          "  test ! -e /proc/$f || ! test -w /proc/$f || echo writable $f; done; "
          "cat /proc/sys/kernel/ostype"),
      0)
      << error_;
  EXPECT_EQ(output_, "Linux\n");
}

TEST_F(ConfinementTest, TheHostNameIsTheSessionsOwn) {
  spec_.hostname = "buildkitsandbox";
  spec_.extra_hosts = {{"db", "10.0.0.7"}, {"six", "fd00::1"}};
  ASSERT_EQ(Run("cat /proc/sys/kernel/hostname; tail -n 3 /etc/hosts"), 0) << error_;
  EXPECT_EQ(output_, "buildkitsandbox\n127.0.0.1\tbuildkitsandbox\n10.0.0.7\tdb\nfd00::1\tsix\n");
}

TEST_F(ConfinementTest, TemporaryFileSystemsHaveTheirSizeAndModeAndLeaveNothing) {
  const std::vector<std::string> before = Tree();
  fs::create_directory(dir_ + "/shared");
  std::ofstream(dir_ + "/shared/file") << "host";
  spec_.shm_size = 1 << 20;
  spec_.tmpfs = {{"/a/deep/place", 64 << 10, 0750}, {"/scratch"}};
  // Deeper than the tmpfs, and given before it: seen all the same.
  spec_.binds.push_back({dir_ + "/shared/file", "/scratch/sub/file", true});
  ASSERT_EQ(Run("stat -c %a /a/deep/place /scratch; cat /scratch/sub/file; echo; "
                "df --output=size /a/deep/place /dev/shm | tail -n 2 | tr -d ' '; "
                "echo x > /a/deep/place/x && echo x > /scratch/x"),
            0)
      << error_;
  EXPECT_EQ(output_, "750\n1777\nhost\n64\n1024\n");
  EXPECT_EQ(Tree(), before);
  EXPECT_FALSE(MountStubs::Listed(spec_.stub_record));
}

TEST_F(ConfinementTest, LimitsHoldAndAreNeverBeyondTheCallers) {
  struct rlimit own = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &own), 0);
  spec_.process.ulimits = {{"nofile", 33, 44}, {"core", 0, 0}};
  ASSERT_EQ(Run("ulimit -Sn; ulimit -Hn; ulimit -c"), 0) << error_;
  EXPECT_EQ(output_, "33\n44\n0\n");
  if (own.rlim_max == RLIM_INFINITY) GTEST_SKIP() << "descriptors have no limit here";
  spec_.process.ulimits = {{"nofile", 1, own.rlim_max + 1}};
  EXPECT_EQ(Run("true"), 98);
  EXPECT_EQ(error_, "ulimit nofile: " + std::to_string(own.rlim_max + 1) +
                        " is beyond the limit here, " + std::to_string(own.rlim_max));
}

TEST(UlimitTest, IsReadAsDockerReadsIt) {
  EXPECT_EQ(*ParseUlimit("nofile=10:20"), (Ulimit{"nofile", 10, 20}));
  EXPECT_EQ(*ParseUlimit("nproc=10"), (Ulimit{"nproc", 10, 10}));
  EXPECT_EQ(*ParseUlimit("core=5:-1"), (Ulimit{"core", 5, Ulimit::kUnlimited}));
  for (const char* text : {"", "nofile", "nofile=", "nofile=1:", "files=1", "nofile=2:1",
                           "nofile=-1:5", "nofile=-2", "nofile=1:2:3", "=1"}) {
    const Result<Ulimit> limit = ParseUlimit(text);
    ASSERT_FALSE(limit) << text;
    EXPECT_EQ(limit.error().exit(), ExitCode::kUsage);
  }
}

TEST(HostsTextTest, IsTheHostsAndWhatTheSessionAdds) {
  SessionSpec spec;
  EXPECT_EQ(HostsText("1.2.3.4 a", spec), "1.2.3.4 a");
  spec.extra_hosts = {{"db", "10.0.0.7"}};
  EXPECT_EQ(HostsText("1.2.3.4 a", spec), "1.2.3.4 a\n10.0.0.7\tdb\n");
  spec.hostname = "me";
  EXPECT_EQ(HostsText("", spec),
            "127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.0.1\tme\n10.0.0.7\tdb\n");
}

}  // namespace
}  // namespace veneer
