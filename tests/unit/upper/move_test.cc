// SPDX-License-Identifier: Apache-2.0
//
// Upper::Move where the file system has no RENAME_WHITEOUT: what is on disk when the process is
// killed after each of its system calls, and when one of them fails.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "fs/upper/upper.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/base/refuse_system_call.h"

namespace veneer {
namespace {

namespace stdfs = std::filesystem;

class MoveTest : public ::testing::Test {
 protected:
  void SetUp() override { base_ = MakeTempDir("move"); }
  void TearDown() override { stdfs::remove_all(base_); }

  void Reset() {
    stdfs::remove_all(base_ / "u");
    stdfs::remove_all(base_ / "w");
    stdfs::create_directory(base_ / "u");
    stdfs::create_directory(base_ / "w");
  }
  void File(const std::string& name, const std::string& text) {
    std::ofstream(base_ / "u" / name) << text;
  }
  std::unique_ptr<Upper> OpenUpper() const {
    UpperOptions options;
    options.upperdir = base_ / "u";
    options.workdir = base_ / "w";
    auto upper = Upper::Open(options);
    return upper ? *std::move(upper) : nullptr;
  }
  // What a name of the upper is: its text, "dir" for a directory, "-" for a whiteout, "" for
  // nothing.
  std::string Seen(const std::string& name) const {
    struct stat st;
    if (::lstat((base_ / "u" / name).c_str(), &st) != 0) return "";
    if (S_ISDIR(st.st_mode)) return stdfs::is_empty(base_ / "u" / name) ? "empty" : "dir";
    if (S_ISCHR(st.st_mode)) return "-";
    std::ifstream in(base_ / "u" / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // Runs `action` on an upper without RENAME_WHITEOUT, in a child that is killed when it returns
  // from its system call number `kill_after` that may change something, counted in `action`. False
  // when it ended by itself.
  bool RunKilled(int kill_after, const std::function<bool(const Upper&)>& action) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(10);
      if (!RefuseSystemCall(SYS_renameat2, EINVAL, RENAME_WHITEOUT)) ::_exit(11);
      auto upper = OpenUpper();
      if (!upper) ::_exit(12);
      ::raise(SIGSTOP);
      const bool done = action(*upper);
      upper.reset();
      ::_exit(done ? 0 : 13);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSTOPPED(status)) << "status " << status;
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    uint64_t number = 0;
    for (int changes = 0;;) {
      ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
      EXPECT_EQ(::waitpid(child, &status, 0), child);
      if (!WIFSTOPPED(status)) {
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
        return false;
      }
      __ptrace_syscall_info info = {};
      ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) number = info.entry.nr;
      if (info.op != PTRACE_SYSCALL_INFO_EXIT || !kChanges.contains(number)) continue;
      if (++changes < kill_after) continue;
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return true;
    }
  }

  const std::set<uint64_t> kChanges = {SYS_renameat2, SYS_linkat,   SYS_unlinkat,  SYS_mknodat,
                                       SYS_mkdirat,   SYS_setxattr, SYS_lsetxattr, SYS_openat};
  stdfs::path base_;
};

TEST_F(MoveTest, AFileThatReplacesAnotherIsNeverMissingNorIsTheOther) {
  int steps = 0;
  for (bool killed = true; killed; ++steps) {
    Reset();
    File("from", "new");
    File("to", "old");
    killed = RunKilled(steps + 1, [](const Upper& upper) {
      const int root = upper.root().get();
      return upper.Move({root, "from"}, false, {root, "to"}, Upper::Occupied::kFile, true) == true;
    });
    const std::string from = Seen("from");
    const std::string to = Seen("to");
    EXPECT_TRUE(from == "new" || from == "-") << steps << ": " << from;
    EXPECT_TRUE(to == "new" || to == "old") << steps << ": " << to;
    EXPECT_TRUE(from == "new" || to == "new") << steps;
  }
  EXPECT_GT(steps, 3) << "it was killed at no step";
  EXPECT_EQ(Seen("from"), "-");
  EXPECT_EQ(Seen("to"), "new");
  struct stat st;
  ASSERT_EQ(::lstat((base_ / "u/to").c_str(), &st), 0);
  EXPECT_EQ(st.st_nlink, 1U);
  EXPECT_TRUE(stdfs::is_empty(base_ / "w/work"));
}

TEST_F(MoveTest, ADirectoryThatReplacesAnEmptyOneIsNeverMissingNorTwice) {
  int steps = 0;
  for (bool killed = true; killed; ++steps) {
    Reset();
    stdfs::create_directories(base_ / "u/from/in");
    stdfs::create_directory(base_ / "u/to");
    killed = RunKilled(steps + 1, [](const Upper& upper) {
      const int root = upper.root().get();
      return upper.Move({root, "from"}, true, {root, "to"}, Upper::Occupied::kDirectory, true) ==
             true;
    });
    const std::string from = Seen("from");
    const std::string to = Seen("to");
    EXPECT_TRUE((from == "dir") != (to == "dir")) << steps << ": " << from << ", " << to;
    EXPECT_TRUE(from == "dir" || from == "-") << steps << ": " << from;
  }
  EXPECT_GT(steps, 3) << "it was killed at no step";
  EXPECT_EQ(Seen("from"), "-");
  EXPECT_EQ(Seen("to"), "dir");
  EXPECT_TRUE(stdfs::is_empty(base_ / "w/work"));
}

TEST_F(MoveTest, AWhiteoutThatCannotBeRemovedIsToldAndIsNoFailure) {
  Reset();
  stdfs::create_directories(base_ / "u/from/in");
  const auto upper = OpenUpper();
  ASSERT_NE(upper, nullptr);
  const int root = upper->root().get();
  ASSERT_TRUE(upper->Whiteout({root, "to"}, Upper::Occupied::kNothing));
  const pid_t child = ::fork();
  if (child == 0) {
    if (!RefuseSystemCall(SYS_unlinkat, EIO)) ::_exit(10);
    const auto moved =
        upper->Move({root, "from"}, true, {root, "to"}, Upper::Occupied::kFile, false);
    ::_exit(moved && *moved ? 0 : 11);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  EXPECT_EQ(Seen("to"), "dir");
  EXPECT_EQ(Seen("from"), "-");
}

}  // namespace
}  // namespace veneer
