// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/proc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <numeric>
#include <vector>

#include "layerdb/base/fd.h"

namespace veneer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ProcTest, ProcessesThreadsAndDescriptorsAreNumbers) {
  EXPECT_THAT(NumbersIn("/proc"), Contains(::getpid()));
  EXPECT_THAT(NumbersIn("/proc/self/task"), Contains(::getpid()));
  EXPECT_THAT(NumbersIn("/proc/self/fd"), Contains(STDERR_FILENO));
  EXPECT_THAT(NumbersIn("/proc/self/nothing"), IsEmpty());
}

TEST(ProcTest, TheNameOfATaskMayHoldAnything) {
  const auto stat = ParseTaskStat(
      "12 (a) S 1 (\n) R 7 8 9 10 11 12 13 14 15 16 100 23 18 19 20 21 22 23 4567 25 26\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->state, 'R');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->ticks, 123U);
  EXPECT_EQ(stat->start_time, 4567U);
  EXPECT_FALSE(ParseTaskStat("12 (cut) R 7 8 9"));
  EXPECT_FALSE(ParseTaskStat(""));
}

TEST(ProcTest, ATaskIsReadAndOneThatIsNotThereIsNone) {
  const Sys<TaskStat> self = ReadTaskStat(ProcessPath(::getpid()));
  ASSERT_TRUE(self);
  EXPECT_EQ(self->parent, ::getppid());
  EXPECT_FALSE(self->IsGone());
  EXPECT_EQ(ReadTaskStat("/proc/nothing").error().code, ESRCH);
}

TEST(ProcTest, TheGroupsOfATaskAreThoseOfOneLine) {
  EXPECT_THAT(ParseGroups("Name:\tx\nGroups:\t4 24 4294967294 \nNStgid:\t12\n"),
              ElementsAre(4U, 24U, 4294967294U));
  EXPECT_THAT(ParseGroups("Name:\tx\nGroups:\t7"), ElementsAre(7U));
  EXPECT_THAT(ParseGroups("Name:\tx\nGroups:\t \n1 2\n"), IsEmpty());
  EXPECT_THAT(ParseGroups("Name:\tGroups:\t1\n"), IsEmpty());
  EXPECT_THAT(ParseGroups(""), IsEmpty());
}

TEST(ProcTest, TheGroupsOfATaskAreRead) {
  std::vector<gid_t> mine(static_cast<size_t>(::getgroups(0, nullptr)));
  ASSERT_EQ(::getgroups(static_cast<int>(mine.size()), mine.data()), static_cast<int>(mine.size()));
  EXPECT_EQ(GroupsOf(::getpid()), mine);
  EXPECT_THAT(GroupsOf(0), IsEmpty());
}

// In a child, so that the other tests keep their groups.
TEST(ProcTest, AsManyGroupsAsTheKernelAllowsAreRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has any groups it likes";
  std::vector<gid_t> many(65536);
  std::iota(many.begin(), many.end(), gid_t{4'000'000'000});
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgroups(many.size(), many.data()) != 0) ::_exit(2);
    ::_exit(GroupsOf(::getpid()) == many ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ProcTest, OnlyLocksThatAProcessHasAreRead) {
  const char* text =
      "1: FLOCK  ADVISORY  WRITE 11 fe:00:12 0 EOF\n"
      "1: -> FLOCK  ADVISORY  WRITE 12 fe:00:12 0 EOF\n"
      "2: OFDLCK ADVISORY  READ -1 00:01:14 5 6\n"
      "3: POSIX  ADVISORY  READ  13 00:01:13 1073741826 1073742335\n"
      "nonsense\n\n";
  EXPECT_THAT(ParseLocks(text), ElementsAre(FileLock{"FLOCK", true, 11, "fe:00:12", 0},
                                            FileLock{"POSIX", false, 13, "00:01:13", 1073741826}));
}

TEST(ProcTest, TheLocksOfAFileAreFoundByTheFile) {
  const Fd file(::memfd_create("locked", MFD_CLOEXEC));
  EXPECT_THAT(FlocksOn(file.get(), Doubtful::kLeftOut), IsEmpty());
  ASSERT_EQ(::flock(file.get(), LOCK_SH), 0);
  ASSERT_EQ(FlocksOn(file.get(), Doubtful::kLeftOut).size(), 1U);
  EXPECT_EQ(FlocksOn(file.get(), Doubtful::kLeftOut).front().pid, ::getpid());
  EXPECT_FALSE(FlocksOn(file.get(), Doubtful::kLeftOut).front().exclusive);
  ASSERT_EQ(::flock(file.get(), LOCK_EX), 0);
  EXPECT_TRUE(FlocksOn(file.get(), Doubtful::kLeftOut).front().exclusive);
}

TEST(ProcTest, ALockIsConfirmedByTheDescriptorsOfItsHolder) {
  const Fd file(::memfd_create("locked", MFD_CLOEXEC));
  const Fd other(::memfd_create("other", MFD_CLOEXEC));
  const auto behind = [](const Fd& fd) {
    return FileBehind("/proc/self/fd/" + std::to_string(fd.get())).value_or(FileId{});
  };
  ASSERT_EQ(::flock(file.get(), LOCK_SH), 0);
  EXPECT_EQ(HoldsFlock("/proc/self", behind(file), LockMode::kShared), true);
  EXPECT_NE(HoldsFlock("/proc/self", behind(file), LockMode::kExclusive), true);
  EXPECT_NE(HoldsFlock("/proc/self", behind(other), LockMode::kShared), true);
  EXPECT_EQ(HoldsFlock("/proc/nothing", behind(file), LockMode::kShared), std::nullopt);
}

}  // namespace
}  // namespace veneer
