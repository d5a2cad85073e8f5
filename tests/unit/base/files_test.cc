// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  ~FilesTest() override { IgnoreError(RemoveTree(dir_), "left in the folder of temporary files"); }

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }

  const std::string dir_ = MakeTempDir("Files");
};

TEST_F(FilesTest, ALockIsOneHoldersOrThatOfAllWhoShareIt) {
  const std::string path = Path("lock");
  {
    const Sys<Fd> shared = OpenLocked(path, LockMode::kShared, kForever);
    ASSERT_TRUE(shared && *shared);
    const Sys<Fd> too = OpenLocked(path, LockMode::kShared, kNoPatience);
    EXPECT_TRUE(too && *too);
    const Sys<Fd> alone = OpenLocked(path, LockMode::kExclusive, std::chrono::milliseconds(10));
    EXPECT_TRUE(alone && !*alone);
  }
  const Sys<Fd> alone = OpenLocked(path, LockMode::kExclusive, kNoPatience);
  EXPECT_TRUE(alone && *alone);
}

TEST_F(FilesTest, TheLogTellsOfAWaitForALock) {
  const std::string path = Path("lock");
  const Sys<Fd> holder = OpenLocked(path, LockMode::kExclusive, kNoPatience);
  ASSERT_TRUE(holder && *holder);
  SetLogLevel(LogLevel::kDebug);
  testing::internal::CaptureStderr();
  LogToStderr("test");
  EXPECT_FALSE(OpenLocked(path, LockMode::kShared, kNoPatience).value());
  EXPECT_FALSE(OpenLocked(path, LockMode::kShared, std::chrono::milliseconds(1)).value());
  const std::string log = testing::internal::GetCapturedStderr();
  SetLogLevel(LogLevel::kWarning);
  EXPECT_TRUE(log.starts_with("test: debug: waiting for the lock of " + path + "\n")) << log;
  EXPECT_NE(log.find(" ms for the lock of " + path + "\n"), std::string::npos) << log;
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 2) << log;
}

TEST_F(FilesTest, AFileTakesThePlaceOfADirectory) {
  ASSERT_TRUE(EnsureDir(Path("place"), 0700) && EnsureDir(Path("place"), 0700));
  Write("place/old", "old");
  Write("new", "new");
  ASSERT_TRUE(ReplaceByFile(Path("new"), Path("place")));
  EXPECT_EQ(ReadFile(Path("place"), 100).value_or(""), "new");
  EXPECT_EQ(ReadFile(Path("place"), 2).value_or(""), "ne");
  EXPECT_TRUE(RemoveFile(Path("place")) && RemoveFile(Path("place")));
  EXPECT_FALSE(Exists(Path("place")));
}

TEST_F(FilesTest, OnlyARegularFileIsOpenedAsOne) {
  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(OpenRegularFile(Path("fifo")).error().code, EIO);
  EXPECT_EQ(OpenRegularFile(dir_).error().code, EISDIR);
  EXPECT_EQ(OpenRegularFile(Path("none")).error().code, ENOENT);
}

// A chain of directories, the lowest of which holds a file.
void MakeDeep(const std::string& top, int depth) {
  ASSERT_TRUE(EnsureDir(top, 0700));
  Fd at = *sys::Open(sys::Path(top), O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < depth; ++i) {
    ASSERT_TRUE(sys::MakeDir({at.get(), "d"}, 0700));
    at = *sys::Open({at.get(), "d"}, O_RDONLY | O_DIRECTORY);
  }
  const Fd file = *sys::Open({at.get(), "file"}, O_WRONLY | O_CREAT, 0600);
  ASSERT_TRUE(sys::WriteAt(file.get(), "text", 0));
}

TEST_F(FilesTest, ATreeDeeperThanAPathIsWalkedMeasuredAndRemoved) {
  constexpr int kDepth = 3000;
  MakeDeep(Path("deep"), kDepth);
  int directories = 0;
  int files = 0;
  ASSERT_TRUE(WalkTree(Path("deep"), [&](const struct stat& st) {
    ++(S_ISDIR(st.st_mode) ? directories : files);
    return true;
  }));
  EXPECT_EQ(directories, kDepth);
  EXPECT_EQ(files, 1);
  const Sys<TreeSize> size = TreeMeasure().Of(Path("deep"));
  ASSERT_TRUE(size);
  EXPECT_EQ(size->contents, 4U);
  EXPECT_GE(size->on_disk, 512U);
  EXPECT_TRUE(RemoveTree(Path("deep")));
  EXPECT_FALSE(Exists(Path("deep")));
}

TEST_F(FilesTest, ADirectoryKeepsItsModeWhileItIsRemoved) {
  ASSERT_TRUE(sys::MakeDir(sys::Path(Path("open")), 0755));
  Write("open/file", "text");
  const Sys<Fd> open = sys::Open(sys::Path(Path("open")), O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(open);
  ASSERT_TRUE(sys::Chmod({open->get()}, 02755));
  EXPECT_TRUE(RemoveTree(Path("open")));
  const Sys<struct stat> st = sys::Stat({open->get()});
  ASSERT_TRUE(st);
  EXPECT_EQ(st->st_nlink, 0U);
  EXPECT_EQ(st->st_mode & 07777, 02755U);
}

}  // namespace
}  // namespace veneer
