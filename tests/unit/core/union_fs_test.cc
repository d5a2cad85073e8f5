// SPDX-License-Identifier: Apache-2.0
//
// The verbs of UnionFs on lower, upper and merged objects, each also after a remount.
#include <linux/fs.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

using Names = std::vector<std::string>;

TEST_F(UnionFsTest, AnAbsentNameIsAnAnswerAndNoError) {
  Dir("a");
  Mount({"a"});
  const auto entry = fs_->Lookup(kRootNode, "nothing");
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->node, kNoNode);
}

TEST_F(UnionFsTest, WritingCopiesUpAndTheLowerStays) {
  File("a/d/f", "hello world", 0640);
  Mount({"a"});
  const uint64_t ino = Stat("d/f").ino;
  ASSERT_TRUE(Write("d/f", 6, "WORLD"));
  EXPECT_EQ(ReadAll("d/f"), "hello WORLD");
  EXPECT_EQ(Stat("d/f").mode, 0640U);
  EXPECT_EQ(Stat("d/f").ino, ino);
  Remount();
  EXPECT_EQ(ReadAll("d/f"), "hello WORLD");
  EXPECT_EQ(Stat("d/f").ino, ino) << "st_ino survives a remount";
}

TEST_F(UnionFsTest, CopyUpOfALargeFileGoesInTwoSteps) {
  const std::string text(700 * 1024, 'x');
  File("a/f", text);
  Mount({"a"});
  const NodeId node = Node("f");
  ASSERT_TRUE(fs_->SetAttr(node, AttrChange{.mode = 0600}));
  EXPECT_EQ(ReadNode(node), text) << "attributes are above, contents still below";
  ASSERT_TRUE(Write("f", 0, "y"));
  std::string changed = text;
  changed[0] = 'y';
  EXPECT_EQ(ReadAll("f"), changed);
  Remount();
  EXPECT_EQ(ReadAll("f"), changed);
  EXPECT_EQ(Stat("f").mode, 0600U);
}

TEST_F(UnionFsTest, TimesThatAreSetWhileContentsAreCopiedStay) {
  File("a/f", std::string(64 << 20, 'x'));
  Mount({"a"});
  const NodeId node = Node("f");
  ASSERT_TRUE(fs_->SetAttr(node, AttrChange{.mode = 0600}));
  // Fails for its arguments, but not before the contents were copied.
  std::thread copy([&] { EXPECT_EQ(Code(fs_->Allocate(node, 0, 0, 0)), EINVAL); });
  struct stat st = {};
  do {
    ASSERT_EQ(::stat((base_ / "u/f").c_str(), &st), 0);
  } while (st.st_blocks == 0);
  AttrChange change;
  change.mtime = Timestamp{1'000'000'000, 7};
  ASSERT_TRUE(fs_->SetAttr(node, change));
  copy.join();
  EXPECT_EQ(Stat("f").mtime, (Timestamp{1'000'000'000, 7}));
  Remount();
  EXPECT_EQ(Stat("f").mtime, (Timestamp{1'000'000'000, 7}));
  EXPECT_EQ(ReadAll("f"), std::string(64 << 20, 'x'));
}

TEST_F(UnionFsTest, ChmodCopiesNoContents) {
  File("a/f", std::string(1 << 20, 'x'));
  Mount({"a"});
  ASSERT_TRUE(fs_->SetAttr(Node("f"), AttrChange{.mode = 0600}));
  struct stat st;
  ASSERT_EQ(::stat((base_ / "u/f").c_str(), &st), 0);
  EXPECT_LT(st.st_blocks * 512, 64 * 1024);
  EXPECT_EQ(st.st_size, 1 << 20);
  Remount();
  EXPECT_EQ(ReadAll("f"), std::string(1 << 20, 'x'));
}

TEST_F(UnionFsTest, TruncateCopiesOnlyWhatStays) {
  File("a/f", std::string(1 << 20, 'x'));
  Mount({"a"});
  ASSERT_TRUE(fs_->SetAttr(Node("f"), AttrChange{.size = 3}));
  EXPECT_EQ(ReadAll("f"), "xxx");
  ASSERT_TRUE(fs_->SetAttr(Node("f"), AttrChange{.size = 5}));
  EXPECT_EQ(ReadAll("f"), std::string("xxx\0\0", 5));
  Remount();
  EXPECT_EQ(ReadAll("f"), std::string("xxx\0\0", 5));
}

TEST_F(UnionFsTest, UnlinkOfALowerFileIsAWhiteoutAndNoCopy) {
  File("a/d/f", "x");
  Mount({"a"});
  ASSERT_TRUE(Unlink("d/f"));
  EXPECT_FALSE(Exists("d/f"));
  EXPECT_EQ(List("d"), Names{});
  struct stat st;
  ASSERT_EQ(::lstat((base_ / "u/d/f").c_str(), &st), 0);
  EXPECT_TRUE(S_ISCHR(st.st_mode) && st.st_rdev == 0);
  Remount();
  EXPECT_FALSE(Exists("d/f"));
  ASSERT_TRUE(Create("d/f", "new"));
  Remount();
  EXPECT_EQ(ReadAll("d/f"), "new");
  ASSERT_TRUE(Unlink("d/f"));
  Remount();
  EXPECT_FALSE(Exists("d/f")) << "the lower file must not come back";
}

TEST_F(UnionFsTest, AnUnlinkedFileGoesOnWorking) {
  File("a/low", "low");
  Mount({"a"});
  ASSERT_TRUE(Create("up", "up"));
  for (const std::string name : {"low", "up"}) {
    const NodeId node = Node(name);
    ASSERT_TRUE(Unlink(name));
    EXPECT_EQ(fs_->GetAttr(node)->nlink, 0U) << name;
    EXPECT_EQ(ReadNode(node), name);
    ASSERT_TRUE(fs_->Write(node, 1, "ZZ", false)) << name;
    EXPECT_EQ(ReadNode(node)->substr(0, 3), name.substr(0, 1) + "ZZ");
    ASSERT_TRUE(fs_->SetAttr(node, AttrChange{.mode = 0600}));
    EXPECT_EQ(fs_->GetAttr(node)->mode, 0600U);
    ASSERT_TRUE(fs_->SetXattr(node, "user.x", "v", 0));
    EXPECT_EQ(fs_->GetXattr(node, "user.x"), "v");
    ASSERT_TRUE(fs_->SetAttr(node, AttrChange{.size = 1}));
    EXPECT_EQ(fs_->GetAttr(node)->size, 1U);
    EXPECT_FALSE(Exists(name));
  }
  Remount();
  EXPECT_EQ(List(""), Names{});
}

TEST_F(UnionFsTest, AFileReplacedByRenameGoesOnWorking) {
  File("a/old", "old");
  File("a/new", "new");
  Mount({"a"});
  const NodeId node = Node("old");
  ASSERT_TRUE(Rename("new", "old"));
  EXPECT_EQ(ReadNode(node), "old");
  EXPECT_EQ(fs_->GetAttr(node)->nlink, 0U);
  EXPECT_EQ(ReadAll("old"), "new");
  ASSERT_TRUE(fs_->Write(node, 0, "OLD", false));
  EXPECT_EQ(ReadAll("old"), "new");
}

TEST_F(UnionFsTest, RemovedAndRemadeDirectoryDoesNotShowWhatWasBelow) {
  File("a/d/sub/x", "x");
  File("a/d/y", "y");
  Mount({"a"});
  ASSERT_TRUE(Unlink("d/sub/x"));
  EXPECT_EQ(Code(Rmdir("d")), ENOTEMPTY);
  ASSERT_TRUE(Rmdir("d/sub"));
  ASSERT_TRUE(Unlink("d/y"));
  ASSERT_TRUE(Rmdir("d"));
  EXPECT_FALSE(Exists("d"));
  Remount();
  EXPECT_FALSE(Exists("d"));
  ASSERT_TRUE(Mkdir("d"));
  ASSERT_TRUE(Mkdir("d/sub"));
  EXPECT_EQ(List("d"), Names{"sub"});
  EXPECT_EQ(List("d/sub"), Names{});
  Remount();
  EXPECT_EQ(List("d"), Names{"sub"});
  EXPECT_EQ(List("d/sub"), Names{});
  ASSERT_TRUE(Rmdir("d/sub"));
  ASSERT_TRUE(Rmdir("d"));
}

TEST_F(UnionFsTest, ANewDirectoryMovedOverARemovedOneStaysOpaque) {
  File("a/d/old", "old");
  Mount({"a"});
  ASSERT_TRUE(Unlink("d/old"));
  ASSERT_TRUE(Rmdir("d"));
  ASSERT_TRUE(Mkdir("n"));
  ASSERT_TRUE(Create("n/new", "new"));
  ASSERT_TRUE(Rename("n", "d"));
  EXPECT_EQ(List("d"), Names{"new"});
  Remount();
  EXPECT_EQ(List("d"), Names{"new"});
  EXPECT_FALSE(Exists("n"));
}

TEST_F(UnionFsTest, RenamingALowerDirectoryIsARedirect) {
  File("a/d/sub/f", "text");
  File("b/d/sub/g", "below");
  Mount({"a", "b"});
  const uint64_t ino = Stat("d").ino;
  ASSERT_TRUE(Mkdir("other"));
  ASSERT_TRUE(Rename("d", "other/moved"));
  EXPECT_FALSE(Exists("d"));
  EXPECT_EQ(ReadAll("other/moved/sub/f"), "text");
  EXPECT_EQ(ReadAll("other/moved/sub/g"), "below");
  ASSERT_TRUE(Write("other/moved/sub/f", 0, "TEXT"));
  ASSERT_TRUE(Rename("other/moved/sub", "sub2"));
  EXPECT_EQ(Stat("other/moved").ino, ino);
  Remount();
  EXPECT_FALSE(Exists("d"));
  EXPECT_EQ(List("other/moved"), Names{});
  EXPECT_EQ(ReadAll("sub2/f"), "TEXT");
  EXPECT_EQ(ReadAll("sub2/g"), "below");
  EXPECT_EQ(Stat("other/moved").ino, ino);
  ASSERT_TRUE(Mkdir("d"));
  EXPECT_EQ(List("d"), Names{});
  Remount();
  EXPECT_EQ(List("d"), Names{});
}

TEST_F(UnionFsTest, RenamingALowerDirectoryWithoutRedirectsIsRefused) {
  Dir("a/d");
  UpperOptions options;
  options.redirect_dir = false;
  Mount({"a"}, options);
  EXPECT_EQ(Code(Rename("d", "e")), EXDEV);
  ASSERT_TRUE(Mkdir("new"));
  EXPECT_TRUE(Rename("new", "newer"));
}

TEST_F(UnionFsTest, RenameOverEverything) {
  File("a/lower", "lower");
  File("a/target", "target");
  Dir("a/empty");
  File("a/full/x", "x");
  Mount({"a"});
  ASSERT_TRUE(Create("upper", "upper"));
  EXPECT_EQ(Code(Rename("upper", "lower", RENAME_NOREPLACE)), EEXIST);
  ASSERT_TRUE(Rename("lower", "target"));
  EXPECT_EQ(ReadAll("target"), "lower");
  ASSERT_TRUE(Rename("upper", "target"));
  EXPECT_EQ(ReadAll("target"), "upper");
  ASSERT_TRUE(Mkdir("m"));
  ASSERT_TRUE(Create("m/in", "in"));
  EXPECT_EQ(Code(Rename("m", "full")), ENOTEMPTY);
  ASSERT_TRUE(Rename("m", "empty"));
  ASSERT_TRUE(Unlink("full/x"));
  ASSERT_TRUE(Rename("empty", "full")) << "a directory that holds only whiteouts is empty";
  Remount();
  EXPECT_EQ(List(""), (Names{"full", "target"}));
  EXPECT_EQ(List("full"), Names{"in"});
  EXPECT_EQ(ReadAll("target"), "upper");
}

TEST_F(UnionFsTest, ExchangeSwapsAnyTwoObjects) {
  File("a/d/x", "x");
  File("a/f", "f");
  Mount({"a"});
  ASSERT_TRUE(Rename("d", "f", RENAME_EXCHANGE));
  EXPECT_EQ(ReadAll("d"), "f");
  EXPECT_EQ(ReadAll("f/x"), "x");
  Remount();
  EXPECT_EQ(ReadAll("d"), "f");
  EXPECT_EQ(ReadAll("f/x"), "x");
  EXPECT_EQ(Code(Rename("d", "nothing", RENAME_EXCHANGE)), ENOENT);
}

TEST_F(UnionFsTest, RenameWhiteoutIsRefusedBecauseTheWhiteoutCouldNotBeSeen) {
  Dir("a");
  Mount({"a"});
  ASSERT_TRUE(Create("f", "f"));
  EXPECT_EQ(Code(Rename("f", "g", RENAME_WHITEOUT)), EINVAL);
  EXPECT_EQ(Code(Rename("f", "g", RENAME_WHITEOUT | RENAME_NOREPLACE)), EINVAL);
  EXPECT_EQ(List(""), Names{"f"});
}

TEST_F(UnionFsTest, LowerHardLinksStayTogether) {
  File("a/one", "text");
  std::filesystem::create_hard_link(base_ / "a/one", base_ / "a/two");
  Dir("a/d");
  std::filesystem::create_hard_link(base_ / "a/one", base_ / "a/d/three");
  Mount({"a"});
  EXPECT_EQ(Node("one"), Node("two"));
  EXPECT_EQ(Stat("one").nlink, 3U);
  ASSERT_TRUE(Write("two", 0, "TEXT"));
  EXPECT_EQ(ReadAll("one"), "TEXT");
  EXPECT_EQ(ReadAll("d/three"), "TEXT");
  EXPECT_EQ(Stat("d/three").nlink, 3U);
  ASSERT_TRUE(Unlink("one"));
  EXPECT_EQ(Stat("two").nlink, 2U);
  const uint64_t ino = Stat("two").ino;
  Remount();
  EXPECT_EQ(ReadAll("d/three"), "TEXT");
  EXPECT_EQ(Stat("d/three").nlink, 2U);
  EXPECT_EQ(Stat("two").ino, ino);
  EXPECT_EQ(Node("two"), Node("d/three"));
  ASSERT_TRUE(Write("d/three", 0, "text"));
  EXPECT_EQ(ReadAll("two"), "text");
  ASSERT_TRUE(Link("two", "four"));
  ASSERT_TRUE(Unlink("two"));
  ASSERT_TRUE(Rename("d/three", "moved"));
  EXPECT_EQ(Stat("moved").nlink, 2U);
  Remount();
  EXPECT_EQ(List(""), (Names{"d", "four", "moved"}));
  EXPECT_EQ(Node("four"), Node("moved"));
  EXPECT_EQ(Stat("four").nlink, 2U);
  ASSERT_TRUE(Unlink("four"));
  ASSERT_TRUE(Unlink("moved"));
  EXPECT_TRUE(std::filesystem::is_empty(base_ / "w/veneer/links"));
  EXPECT_TRUE(std::filesystem::is_empty(base_ / "w/veneer/nlink"));
}

TEST_F(UnionFsTest, AFileThatLostTheNameItIsKnownByGetsAnother) {
  File("a/one", "text");
  std::filesystem::create_hard_link(base_ / "a/one", base_ / "a/two");
  Mount({"a"});
  ASSERT_TRUE(Write("one", 4, "+"));
  Remount();
  const NodeId node = Node("one");  // of "two" nobody has asked yet
  ASSERT_TRUE(Unlink("one"));
  ASSERT_TRUE(fs_->Link(node, kRootNode, "new"));
  EXPECT_EQ(ReadAll("new"), "text+");
  EXPECT_EQ(Stat("new").nlink, 2U);
  EXPECT_EQ(Node("two"), node);
}

TEST_F(UnionFsTest, UnlinkingOneOfTwoLowerNamesCountsAcrossARemount) {
  File("a/one", "text");
  std::filesystem::create_hard_link(base_ / "a/one", base_ / "a/two");
  Mount({"a"});
  ASSERT_TRUE(Unlink("one"));
  EXPECT_EQ(Stat("two").nlink, 1U);
  Remount();
  EXPECT_EQ(Stat("two").nlink, 1U);
}

TEST_F(UnionFsTest, LinkingALowerFileCopiesNoContents) {
  File("a/f", std::string(1 << 20, 'x'));
  Mount({"a"});
  ASSERT_TRUE(Link("f", "g"));
  EXPECT_EQ(Stat("g").nlink, 2U);
  Remount();
  EXPECT_EQ(ReadAll("g"), std::string(1 << 20, 'x'));
  EXPECT_EQ(Node("f"), Node("g"));
  ASSERT_TRUE(Write("g", 0, "y"));
  EXPECT_EQ((*ReadAll("f"))[0], 'y');
}

TEST_F(UnionFsTest, TmpFileGetsANameByLink) {
  Dir("a");
  Mount({"a"});
  const auto made = fs_->MakeTmpFile(kRootNode, 0666, caller_);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->attr.nlink, 0U);
  EXPECT_EQ(made->attr.mode, 0644U) << "the caller's umask counts";
  ASSERT_TRUE(fs_->Write(made->node, 0, "text", false));
  EXPECT_EQ(List(""), Names{});
  ASSERT_TRUE(fs_->Link(made->node, kRootNode, "named"));
  EXPECT_EQ(fs_->GetAttr(made->node)->nlink, 1U);
  Remount();
  EXPECT_EQ(ReadAll("named"), "text");
}

// A step on the disk is made to fail by what lies where it wants to put something.
TEST_F(UnionFsTest, ACopyUpThatFailsAtASecondNameLeavesTheFirstUsable) {
  File("a/h1", "x");
  std::filesystem::create_hard_link(base_ / "a/h1", base_ / "a/h2");
  Mount({"a"});
  const NodeId file = Node("h1");
  ASSERT_EQ(Node("h2"), file);
  File("u/h2", "in the way");
  EXPECT_EQ(Code(fs_->SetAttr(file, AttrChange{.mode = 0600})), EEXIST);
  std::filesystem::remove(base_ / "u/h2");
  EXPECT_TRUE(fs_->SetAttr(file, AttrChange{.mode = 0640}));
  EXPECT_TRUE(Rename("h1", "r1"));
  EXPECT_TRUE(Unlink("r1"));
  EXPECT_TRUE(Rename("h2", "r2"));
  EXPECT_EQ(Stat("r2").mode, 0640U);
  EXPECT_TRUE(Unlink("r2"));
  Remount();
  EXPECT_EQ(List(""), Names{});
}

TEST_F(UnionFsTest, ANameWhoseCountCannotBeNotedIsMadeOrGoneAsTheAnswerSays) {
  File("a/h1", "x");
  std::filesystem::create_hard_link(base_ / "a/h1", base_ / "a/h2");
  Mount({"a"});
  ASSERT_TRUE(fs_->SetAttr(Node("h1"), AttrChange{.mode = 0600}));
  char name[32];
  snprintf(name, sizeof name, "%016llx.new", static_cast<unsigned long long>(Stat("h1").ino));
  Dir(std::string("w/veneer/nlink/") + name);
  EXPECT_FALSE(Link("h1", "h3"));
  EXPECT_EQ(List(""), (Names{"h1", "h2"}));
  EXPECT_EQ(Stat("h1").nlink, 2U);
  EXPECT_EQ(Code(Unlink("h3")), ENOENT);
  EXPECT_TRUE(Unlink("h1")) << "the name is gone, so that is no failure";
  EXPECT_EQ(List(""), Names{"h2"});
  EXPECT_EQ(Stat("h2").nlink, 1U);
  std::filesystem::remove(base_ / "w/veneer/nlink" / name);
  EXPECT_TRUE(Link("h2", "h3"));
  EXPECT_EQ(Stat("h2").nlink, 2U);
  Remount();
  EXPECT_EQ(List(""), (Names{"h2", "h3"}));
  EXPECT_EQ(Stat("h2").nlink, 2U);
}

TEST_F(UnionFsTest, AListingGoesOnWhileEntriesComeAndGo) {
  for (int i = 0; i < 50; ++i) File("a/f" + std::to_string(100 + i), "x");
  Mount({"a"});
  std::vector<std::string> seen;
  uint64_t cookie = 0;
  int round = 0;
  for (bool more = true; more;) {
    more = false;
    int n = 0;
    ASSERT_TRUE(fs_->ReadDir(kRootNode, cookie, [&](const DirEntry& entry) {
      if (n++ == 7) return false;
      seen.emplace_back(entry.name);
      cookie = entry.cookie;
      more = true;
      return true;
    }));
    // Removing what was seen and adding something must neither repeat nor skip the rest.
    if (seen.size() > 3) {
      const auto gone = Unlink(seen.back());
      IgnoreError(gone, "the newest may be one of ours already gone");
    }
    if (round++ < 3) {
      ASSERT_TRUE(Create("new" + std::to_string(round), ""));
    }
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(std::binary_search(seen.begin(), seen.end(), "f" + std::to_string(100 + i)));
  }
}

TEST_F(UnionFsTest, CopyUpKeepsTheTimesOfDirectoriesAbove) {
  File("a/d/f", "x");
  Mount({"a"});
  const Timestamp before = Stat("d").mtime;
  ASSERT_TRUE(Write("d/f", 0, "y"));
  EXPECT_EQ(Stat("d").mtime, before);
  ASSERT_TRUE(Unlink("d/f"));
  EXPECT_NE(Stat("d").mtime, before);
}

TEST_F(UnionFsTest, SparseFilesStaySparse) {
  File("a/f", "x");
  ASSERT_EQ(::truncate((base_ / "a/f").c_str(), 8 << 20), 0);
  Mount({"a"});
  ASSERT_TRUE(Write("f", 4 << 20, "y"));
  EXPECT_LT(Stat("f").blocks * 512, 1U << 20);
  EXPECT_EQ(Stat("f").size, 8U << 20);
}

TEST_F(UnionFsTest, SetGroupIdDirectoriesAndUmask) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to change owners";
  Dir("a/shared");
  ASSERT_EQ(::chown((base_ / "a/shared").c_str(), 5, 7), 0);
  ASSERT_EQ(::chmod((base_ / "a/shared").c_str(), 02775), 0);
  Mount({"a"});
  for (const uint32_t uid : {0U, 1000U}) {
    caller_ = {uid, uid, 027};
    const std::string tag = std::to_string(uid);
    ASSERT_TRUE(Create("shared/f" + tag, "", 0666));
    ASSERT_TRUE(Mkdir("shared/d" + tag, 0777));
    EXPECT_EQ(Stat("shared/f" + tag).uid, uid);
    EXPECT_EQ(Stat("shared/f" + tag).gid, 7U);
    EXPECT_EQ(Stat("shared/f" + tag).mode, 0640U);
    EXPECT_EQ(Stat("shared/d" + tag).mode, 02750U);
    EXPECT_EQ(Stat("shared/d" + tag).gid, 7U);
    ASSERT_TRUE(Create("f" + tag, "", 0666));
    EXPECT_EQ(Stat("f" + tag).gid, uid);
  }
}

TEST_F(UnionFsTest, ContentsOfALayerAreNotOpenedAsThoseOfTheUpper) {
  File("a/f", "below");
  Mount({"a"});
  const auto opened = [&](const std::string& path, int flags) {
    const Sys<Fd> fd = fs_->OpenUpperContents(Node(path), flags);
    EXPECT_TRUE(fd.has_value());
    return fd && *fd;
  };
  EXPECT_FALSE(opened("f", O_RDONLY));
  EXPECT_FALSE(opened("f", O_RDWR));
  EXPECT_FALSE(opened("", O_RDONLY));
  ASSERT_TRUE(fs_->SetAttr(Node("f"), AttrChange{.mode = 0600}));
  EXPECT_FALSE(opened("f", O_RDWR)) << "its attributes alone are in the upper";
  ASSERT_TRUE(Write("f", 0, "B"));
  EXPECT_TRUE(opened("f", O_RDONLY));
  const Sys<Fd> fd = fs_->OpenUpperContents(Node("f"), O_RDWR);
  ASSERT_TRUE(fd);
  EXPECT_EQ(::pwrite(fd->get(), "E", 1, 1), 1);
  EXPECT_EQ(ReadAll("f"), "BElow");
}

TEST_F(UnionFsTest, WithoutAnUpperEverythingIsReadOnly) {
  File("a/f", "x");
  Mount({"a"});
  Unmount();
  OpenReadOnly();
  EXPECT_EQ(ReadAll("f"), "x");
  EXPECT_EQ(Code(Write("f", 0, "y")), EROFS);
  EXPECT_EQ(Code(Unlink("f")), EROFS);
  EXPECT_EQ(Code(Mkdir("d")), EROFS);
  EXPECT_EQ(Code(Rename("f", "g")), EROFS);
  EXPECT_EQ(Code(Link("f", "g")), EROFS);
  EXPECT_EQ(Code(fs_->SetAttr(Node("f"), AttrChange{.mode = 0})), EROFS);
  EXPECT_EQ(Code(fs_->SetXattr(Node("f"), "user.x", "y", 0)), EROFS);
}

}  // namespace
}  // namespace veneer
