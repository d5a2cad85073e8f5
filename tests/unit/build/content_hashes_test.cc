// SPDX-License-Identifier: Apache-2.0
#include "tools/build/content_hashes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

class ContentHashesTest : public testing::Test {
 protected:
  ~ContentHashesTest() override { std::filesystem::remove_all(dir_); }

  static FileState File(uint64_t ino, int64_t changed) {
    FileState file{7, {}};
    file.attr.ino = ino;
    file.attr.size = 5;
    file.attr.mtime = file.attr.ctime = {changed, 3};
    return file;
  }
  void Learn(const FileState& file, char digit, int64_t read, bool has_xattrs = true) {
    const std::pair<FileState, KnownContent> learnt{file, {std::string(64, digit), has_xattrs}};
    ContentHashes(dir_ + "/hashes").Learn({&learnt, 1}, {read, 0});
  }
  std::optional<KnownContent> FindAll(const FileState& file) {
    return ContentHashes(dir_ + "/hashes").Find({&file, 1}).front();
  }
  std::optional<std::string> Find(const FileState& file) {
    const std::optional<KnownContent> found = FindAll(file);
    return found ? std::optional(found->hash) : std::nullopt;
  }

  const std::string dir_ = MakeTempDir("ContentHashes");
};

TEST_F(ContentHashesTest, AFileThatHasNotChangedIsKnown) {
  EXPECT_EQ(Find(File(1, 100)), std::nullopt);
  Learn(File(1, 100), 'a', 200);
  Learn(File(2, 100), 'b', 200);
  EXPECT_EQ(Find(File(1, 100)), std::string(64, 'a'));
  EXPECT_EQ(Find(File(2, 100)), std::string(64, 'b'));
}

TEST_F(ContentHashesTest, AFileWithoutXattrsIsRememberedAsSuch) {
  Learn(File(1, 100), 'a', 200, false);
  Learn(File(2, 100), 'b', 200, true);
  EXPECT_FALSE(FindAll(File(1, 100))->has_xattrs);
  EXPECT_TRUE(FindAll(File(2, 100))->has_xattrs);
}

TEST_F(ContentHashesTest, WhateverStatTellsOfAChangeCounts) {
  Learn(File(1, 100), 'a', 200);
  FileState other = File(1, 100);
  other.attr.size = 6;
  EXPECT_EQ(Find(other), std::nullopt);
  other = File(1, 100);
  other.attr.ctime.nsec = 4;
  EXPECT_EQ(Find(other), std::nullopt);
  other = File(1, 100);
  other.attr.mtime.sec = 99;
  EXPECT_EQ(Find(other), std::nullopt);
  other = File(1, 100);
  other.device = 8;
  EXPECT_EQ(Find(other), std::nullopt);
}

TEST_F(ContentHashesTest, AFileThatWasChangedJustBeforeItWasReadIsNotRemembered) {
  Learn(File(1, 100), 'a', 100);
  Learn(File(2, 100), 'a', 101);
  Learn(File(3, 100), 'a', 102);
  EXPECT_EQ(Find(File(1, 100)), std::nullopt);
  EXPECT_EQ(Find(File(2, 100)), std::nullopt);
  EXPECT_NE(Find(File(3, 100)), std::nullopt);
}

TEST_F(ContentHashesTest, WhatIsDamagedIsMadeAnew) {
  Learn(File(1, 100), 'a', 200);
  std::ofstream(dir_ + "/hashes/data.mdb") << "no database";
  EXPECT_EQ(Find(File(1, 100)), std::nullopt);
  Learn(File(1, 100), 'b', 200);
  EXPECT_EQ(Find(File(1, 100)), std::string(64, 'b'));
}

}  // namespace
}  // namespace veneer
