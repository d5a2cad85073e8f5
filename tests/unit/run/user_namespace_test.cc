// SPDX-License-Identifier: Apache-2.0
#include "tools/run/user_namespace.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace veneer {
namespace {

TEST(ParseSubordinateIdsTest, TakesTheUsersRangesByNameAndNumber) {
  const std::string text =
      "# "
      "comment\nother:1:2\nalice:100000:65536\n1000:300000:10\nalice:x:5\nalice:5:0\nalice:"
      "7\n10000:9:9\n";
  EXPECT_EQ(ParseSubordinateIds(text, "alice", 1000),
            (std::vector<IdExtent>{{0, 1000, 1}, {1, 100000, 65536}, {65537, 300000, 10}}));
  EXPECT_EQ(ParseSubordinateIds(text, "bob", 7), (std::vector<IdExtent>{{0, 7, 1}}));
  EXPECT_EQ(ParseSubordinateIds("a:4294967290:100\na:1:4294967295", "a", 7),
            (std::vector<IdExtent>{{0, 7, 1}}));
}

TEST(FirstFreeSubordinateIdTest, LiesBehindAllThatAreGiven) {
  EXPECT_EQ(FirstFreeSubordinateId({"", ""}), 100000U);
  EXPECT_EQ(FirstFreeSubordinateId({"a:1000:10\n# b:900000:1\nnonsense\n:\n", ""}), 100000U);
  EXPECT_EQ(FirstFreeSubordinateId({"a:100000:65536\nb:165536:65536\n", "a:100000:65536\n"}),
            231072U);
  EXPECT_EQ(FirstFreeSubordinateId({"", "a:300000:5"}), 300005U);
  EXPECT_EQ(FirstFreeSubordinateId({"a:4294967290:100"}), UINT32_MAX - 65536);
}

TEST(MappingWordsTest, AreForPeople) {
  EXPECT_EQ(MappingWords({{0, 1000, 1}}), "your own as 0");
  EXPECT_EQ(MappingWords({{0, 1000, 1}, {1, 100000, 65536}}),
            "your own as 0, 65536 from 100000 on as 1 and up");
}

TEST(MappingTextTest, IsWhatVeneerfsReads) {
  EXPECT_EQ(MappingText({{0, 1000, 1}, {1, 100000, 65536}}), "0:1000:1:1:100000:65536");
}

// The namespace itself, in a child, as a user who has no ranges.
TEST(EnterUserNamespaceTest, MakesAnOrdinaryUserTheRootOfItsOwnNamespace) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the sanitizer has a thread, with which no process enters a user namespace";
#endif
  if (std::ifstream file("/proc/sys/user/max_user_namespaces"); file) {
    int limit = 0;
    file >> limit;
    if (limit == 0) GTEST_SKIP() << "user namespaces are switched off (user.max_user_namespaces)";
  }
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kUser = 54321;
    if (geteuid() == 0 &&
        (setresgid(kUser, kUser, kUser) != 0 || setresuid(kUser, kUser, kUser) != 0))
      _exit(10);
    prctl(PR_SET_DUMPABLE, 1);  // lost with the change of ids, and with it the right to /proc/self
    if (!EnterUserNamespace()) _exit(11);
    struct stat st;
    if (geteuid() != 0 || getegid() != 0) _exit(12);
    // What belongs to the real root belongs to nobody here.
    if (stat("/proc/1", &st) != 0 || st.st_uid == 0) _exit(13);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace veneer
