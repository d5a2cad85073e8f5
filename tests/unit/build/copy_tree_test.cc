// SPDX-License-Identifier: Apache-2.0
#include "tools/build/copy_tree.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <vector>

#include "tests/unit/build/entry_lines.h"
#include "tests/unit/build/source_fixture.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class CopyTreeTest : public SourceFixture {
 protected:
  static PutObject TextFile(const std::string& text, uint32_t mode = 0644) {
    PutObject object;
    object.attr.mode = mode;
    object.attr.size = text.size();
    object.bytes = std::make_shared<const std::string>(text);
    return object;
  }
  static PutObject Dir(uint32_t mode) {
    PutObject object;
    object.attr.type = FileType::kDirectory;
    object.attr.mode = mode;
    return object;
  }
  // Puts a file where COPY would put it.
  static std::string Put(CopyTree& tree, const std::string& path, const std::string& text,
                         const NewDirectory& made = {}) {
    const auto target = tree.Locate(path, made);
    if (!target) return target.error().message();
    const auto put =
        tree.PutFile(target->directory, target->name, TextFile(text), OtherType::kRefuse);
    return put ? "" : put.error().message();
  }
  static std::string KeyOf(CopyTree& tree) {
    Sha256Stream hash;
    const auto described = tree.Describe(&hash);
    EXPECT_TRUE(described) << described.error().message();
    return hash.FinishHex();
  }
  std::string OwnerOfUs() const {
    return " " + std::to_string(::getuid()) + ":" + std::to_string(::getgid());
  }
};

TEST_F(CopyTreeTest, NothingPutIsNoEntry) {
  const auto below = OpenBelow();
  CopyTree tree(below.get(), nullptr);
  EXPECT_FALSE(tree.changed());
  EXPECT_TRUE(LinesOf(tree).empty());
}

TEST_F(CopyTreeTest, MissingParentsAreMadeAndThoseThatAreThereKeepTheirAttributes) {
  fs::create_directories(Below("etc"));
  ::chmod(Below("etc").c_str(), 0711);
  ::chmod(Below("").c_str(), 0755);
  Write(Below("etc/other"), "not copied");
  const auto below = OpenBelow();
  CopyTree tree(below.get(), nullptr);
  EXPECT_EQ(Put(tree, "/etc/new/deep/file", "text", {5, 6, 0755, {}}), "");
  EXPECT_THAT(LinesOf(tree),
              ElementsAre("/ 755" + OwnerOfUs(), "/etc 711" + OwnerOfUs(), "/etc/new 755 5:6",
                          "/etc/new/deep 755 5:6", "/etc/new/deep/file 644 0:0 text"));
}

TEST_F(CopyTreeTest, AFileIsWrittenThroughASymlinkAtItsDestination) {
  Write(Below("target"), "old");
  fs::create_symlink("/target", Below("link"));
  fs::create_symlink("gone/deep", Below("dangling"));
  ::chmod(Below("").c_str(), 0755);
  const auto below = OpenBelow();
  CopyTree tree(below.get(), nullptr);
  EXPECT_EQ(Put(tree, "/link", "new"), "");
  EXPECT_EQ(Put(tree, "dangling", "made"), "");
  EXPECT_THAT(LinesOf(tree), ElementsAre("/ 755" + OwnerOfUs(), "/gone 755 0:0",
                                         "/gone/deep 644 0:0 made", "/target 644 0:0 new"));
}

TEST_F(CopyTreeTest, ASymlinkOfTheTreeBelowDoesNotLeadOutOfIt) {
  fs::create_symlink("../../../../../../tmp", Below("out"));
  ::chmod(Below("").c_str(), 0755);
  const auto below = OpenBelow();
  CopyTree tree(below.get(), nullptr);
  EXPECT_EQ(Put(tree, "/out/file", "x"), "");
  EXPECT_THAT(LinesOf(tree),
              ElementsAre("/ 755" + OwnerOfUs(), "/tmp 755 0:0", "/tmp/file 644 0:0 x"));
}

TEST_F(CopyTreeTest, FilesAndDirectoriesDoNotReplaceEachOtherUnlessAnArchiveSaysSo) {
  fs::create_directories(Below("d/inner"));
  Write(Below("f"), "text");
  const auto below = OpenBelow();
  CopyTree tree(below.get(), nullptr);
  EXPECT_THAT(Put(tree, "/d", "x"), HasSubstr("cannot replace the directory \"/d\" by a file"));
  EXPECT_THAT(Put(tree, "/f/x", "x"), HasSubstr("\"/f\" is not a directory"));
  const auto root = tree.Directory("/", {});
  ASSERT_TRUE(root);
  EXPECT_FALSE(tree.PutDirectory(*root, "f", Dir(0700), OtherType::kRefuse));
  EXPECT_TRUE(tree.PutDirectory(*root, "f", Dir(0700), OtherType::kReplace));
  EXPECT_TRUE(tree.PutFile(*root, "d", TextFile("x"), OtherType::kReplace));
  // What was in the directory is gone with it.
  const auto replaced = tree.Child(*root, "d");
  ASSERT_TRUE(replaced);
  EXPECT_FALSE(CopyTree::IsDirectory(**replaced));
}

TEST_F(CopyTreeTest, WhatIsInADirectoryStaysWhenItsAttributesAreReplaced) {
  fs::create_directories(Below("d"));
  Write(Below("d/kept"), "kept");
  const auto below = OpenBelow();
  CopyTree tree(below.get(), nullptr);
  const auto root = tree.Directory("/", {});
  ASSERT_TRUE(root);
  const auto directory = tree.PutDirectory(*root, "d", Dir(0700), OtherType::kRefuse);
  ASSERT_TRUE(directory);
  const auto kept = tree.Child(*directory, "kept");
  ASSERT_TRUE(kept);
  EXPECT_NE(*kept, nullptr);
}

TEST_F(CopyTreeTest, TheKeyKnowsContentsNamesAndModesAndNoTimes) {
  const auto key = [](const std::string& name, const std::string& text, uint32_t mode,
                      int64_t time) {
    CopyTree tree(nullptr, nullptr);
    const auto target = tree.Locate(name, {});
    PutObject object = TextFile(text, mode);
    object.attr.mtime.sec = time;
    EXPECT_TRUE(
        tree.PutFile(target->directory, target->name, std::move(object), OtherType::kRefuse));
    return KeyOf(tree);
  };
  const std::string first = key("a", "text", 0644, 1);
  EXPECT_EQ(first, key("a", "text", 0644, 2));
  EXPECT_NE(first, key("b", "text", 0644, 1));
  EXPECT_NE(first, key("a", "test", 0644, 1));
  EXPECT_NE(first, key("a", "text", 0755, 1));
}

TEST_F(CopyTreeTest, TheKeyKnowsHardLinksAndNotTheirInodeNumbers) {
  const auto key = [](uint64_t first, uint64_t second) {
    CopyTree tree(nullptr, nullptr);
    const auto root = tree.Directory("/", {});
    for (const auto& [name, number] : {std::pair("a", first), std::pair("b", second)}) {
      PutObject object = TextFile("same");
      object.key = {1, number};
      EXPECT_TRUE(tree.PutFile(*root, name, std::move(object), OtherType::kRefuse));
    }
    return KeyOf(tree);
  };
  EXPECT_EQ(key(7, 7), key(9, 9));
  EXPECT_NE(key(7, 7), key(7, 9));
}

TEST_F(CopyTreeTest, ATreeMayBeDeeperThanAStack) {
  CopyTree tree(nullptr, nullptr);
  auto at = tree.Directory("/", {});
  ASSERT_TRUE(at);
  // Shallow enough to be quick: paths are of all levels above.
  for (int level = 0; level < 3000; ++level) {
    at = tree.PutDirectory(*at, "d", Dir(0755), OtherType::kRefuse);
    ASSERT_TRUE(at);
  }
  EXPECT_EQ(LinesOf(tree).size(), 3001U);
}

}  // namespace
}  // namespace veneer
