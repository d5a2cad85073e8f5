// SPDX-License-Identifier: Apache-2.0
//
// What stat(2) says of who an object is: its number, its links, and when it was made.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

class Identity : public UnionFsTest {
 protected:
  // On which file system everything lies is a matter of what it is told.
  void MountAt(const std::vector<std::string>& layers, std::vector<uint64_t> devices,
               std::optional<uint64_t> upper) {
    numbers_ = InoNumbers(devices, upper, true);
    Mount(layers);
  }
  struct stat OnDisk(const std::string& path) {
    struct stat st = {};
    EXPECT_EQ(::lstat((base_ / path).c_str(), &st), 0) << path;
    return st;
  }
};

TEST_F(Identity, NumbersOfOneFileSystemAreThoseOnDisk) {
  File("a/d/f", "text");
  MountAt({"a"}, {1}, 1);
  ASSERT_TRUE(Create("new", "text"));
  EXPECT_EQ(Stat("d/f").ino, OnDisk("a/d/f").st_ino);
  EXPECT_EQ(Stat("new").ino, OnDisk("u/new").st_ino);
}

TEST_F(Identity, NumbersAreTheSameAfterCopyUpRenameAndRemount) {
  File("a/d/f", "text");
  File("b/g", std::string(1 << 20, 'x'));
  for (const std::optional<uint64_t> upper : {1, 3}) {
    MountAt({"b", "a"}, {1, 2}, upper);
    const uint64_t d = Stat("d").ino;
    const uint64_t f = Stat("d/f").ino;
    const uint64_t g = Stat("g").ino;
    EXPECT_LT(std::max({d, f, g}), uint64_t{1} << 32);
    ASSERT_TRUE(Write("d/f", 0, "TEXT"));
    ASSERT_TRUE(fs_->SetAttr(Node("g"), AttrChange{.mode = 0600}));
    ASSERT_TRUE(Rename("d", "moved"));
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(Stat("moved").ino, d);
      EXPECT_EQ(Stat("moved/f").ino, f);
      EXPECT_EQ(Stat("g").ino, g);
      Remount();
    }
    Unmount();
    std::filesystem::remove_all(base_ / "u");
    std::filesystem::remove_all(base_ / "w");
  }
}

// As the snapshots of rsync --link-dest.
TEST_F(Identity, AFileWithNamesInTwoLayersIsTwo) {
  File("a/f", "text");
  Dir("b");
  ASSERT_EQ(::link((base_ / "a/f").c_str(), (base_ / "b/g").c_str()), 0);
  MountAt({"b", "a"}, {1, 1}, 1);
  const uint64_t ino = Stat("f").ino;
  ASSERT_TRUE(Write("f", 0, "TEXT"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ReadAll("g"), "text");
    EXPECT_EQ(ReadAll("f"), "TEXT");
    EXPECT_NE(Stat("f").ino, Stat("g").ino) << "tar would leave one of the contents out";
    EXPECT_EQ(Stat("f").ino, ino);
    Remount();
  }
}

TEST_F(Identity, LinksOfAFileCopiedUpUnderAnOlderNumberStayTogether) {
  File("a/f", "text");
  ASSERT_EQ(::link((base_ / "a/f").c_str(), (base_ / "a/g").c_str()), 0);
  Mount({"a"});  // as before there were small numbers
  ASSERT_TRUE(Write("f", 0, "TEXT"));
  // What older versions kept.
  const std::string identity = std::to_string(Origin{1, OnDisk("a/f").st_ino}.Identity());
  Mark("u/f", "trusted.overlay.veneer.origin", identity);
  Unmount();
  numbers_ = InoNumbers({1}, 1, true);
  Remount();
  EXPECT_EQ(ReadAll("g"), "TEXT");
  EXPECT_EQ(ReadAll("f"), "TEXT");
  EXPECT_EQ(Stat("f").ino, Stat("g").ino);
  EXPECT_EQ(Stat("f").nlink, 2U);
}

// The kernel forgets the nodes, looks one name up, and the file is open when it loses that name.
TEST_F(Identity, AnOpenFileThatHasLostTheNameItWasFoundByIsFoundByTheOther) {
  File("a/c/below", "below");
  Dir("a/d");
  Mount({"a"});
  ASSERT_TRUE(Rename("c/below", "below"));
  ASSERT_TRUE(Create("made", "made!"));
  for (const std::string name : {"below", "made"}) {
    ASSERT_TRUE(Link(name, "d/" + name));
    for (const bool replaced : {false, true}) {
      Remount();
      const NodeId open = Node("d/" + name);
      if (replaced) {
        ASSERT_TRUE(Create("new", "new"));
        ASSERT_TRUE(Rename("new", "d/" + name));
      } else {
        ASSERT_TRUE(Unlink("d/" + name));
      }
      EXPECT_EQ(Node(name), open) << name << ", replaced: " << replaced;
      EXPECT_EQ(Stat(name).nlink, 1U);
      ASSERT_TRUE(fs_->SetAttr(open, AttrChange{.size = 3}));
      EXPECT_EQ(ReadAll(name), name.substr(0, 3));
      ASSERT_TRUE(fs_->SetAttr(open, AttrChange{.size = 0}));
      ASSERT_TRUE(Write(name, 0, name));
      // It has a name again, and can lose that one, too.
      ASSERT_TRUE(Rename(name, "moved"));
      EXPECT_EQ(Node("moved"), open);
      EXPECT_EQ(ReadNode(open), name);
      ASSERT_TRUE(Unlink("moved"));
      EXPECT_EQ(ReadNode(open), name);
      EXPECT_EQ(fs_->GetAttr(open)->nlink, 0U);
      // As before, for the next turn.
      if (replaced) continue;
      ASSERT_TRUE(Create(name, name));
      ASSERT_TRUE(Link(name, "d/" + name));
    }
  }
}

TEST_F(Identity, AFileThatWasLinkedIsFoundByItsLastNameAsLongAsItIsOpen) {
  File("a/f", "text");
  Mount({"a"});
  const NodeId open = Node("f");
  ASSERT_TRUE(Link("f", "g"));
  ASSERT_TRUE(Unlink("f"));
  ASSERT_TRUE(Rename("g", "h"));
  EXPECT_EQ(Node("h"), open);
  ASSERT_TRUE(Link("h", "i"));
  ASSERT_TRUE(Unlink("h"));
  EXPECT_EQ(Node("i"), open);
}

// Whoever copies files in the upper with all their xattrs copies what they say of their origin.
TEST_F(Identity, TwoFilesOfTheUpperWithOneOriginAreTwo) {
  File("a/f", "lower");
  ASSERT_EQ(::link((base_ / "a/f").c_str(), (base_ / "a/g").c_str()), 0);
  Mount({"a"});
  const std::string origin = std::to_string(Origin{0, OnDisk("a/f").st_ino}.Identity());
  Unmount();
  for (const std::string name : {"u/x", "u/y"}) {
    File(name, name);
    ASSERT_EQ(::link((base_ / name).c_str(), (base_ / (name + "2")).c_str()), 0);
    Mark(name, "trusted.overlay.veneer.origin", origin);
  }
  Remount();
  const auto check = [&] {
    EXPECT_NE(Node("x"), Node("y"));
    EXPECT_EQ(Node("x"), Node("x2"));
    EXPECT_EQ(Node("y"), Node("y2"));
    EXPECT_EQ(ReadAll("x2"), "u/x");
    EXPECT_EQ(ReadAll("y2"), "u/y");
    EXPECT_EQ(Stat("x").nlink, 2U);
  };
  check();
  ASSERT_TRUE(Write("f", 0, "UPPER"));
  Remount();
  check();
  EXPECT_EQ(ReadAll("g"), "UPPER");
}

TEST_F(Identity, ADirectoryThatIsNotMergedHasTheLinksThatItHasOnDisk) {
  Dir("a/both/x");
  Dir("b/both/y");
  Dir("a/low/x");
  Dir("a/low/y");
  Mount({"b", "a"});
  ASSERT_TRUE(Mkdir("up"));
  ASSERT_TRUE(Mkdir("up/x"));
  const uint32_t three = OnDisk("u/up").st_nlink;  // some file systems do not count
  EXPECT_EQ(Stat("up").nlink, three);
  EXPECT_EQ(Stat("low").nlink, OnDisk("a/low").st_nlink);
  EXPECT_EQ(Stat("both").nlink, 1U);
  EXPECT_EQ(Stat("").nlink, 1U);
  ASSERT_TRUE(Rename("up/x", "low/z"));
  EXPECT_EQ(Stat("up").nlink, OnDisk("u/up").st_nlink);
  EXPECT_EQ(Stat("low").nlink, 1U) << "it is merged now";
  const NodeId up = Node("up");
  ASSERT_TRUE(Rmdir("up"));
  EXPECT_EQ(fs_->GetAttr(up)->nlink, 0U);
}

TEST_F(Identity, AnObjectWasMadeWhenItWasMadeOnDisk) {
  File("a/f", "text");
  Mount({"a"});
  const auto below = fs_->BirthTime(Node("f"));
  ASSERT_TRUE(below.has_value());
  if (!*below) GTEST_SKIP() << "the file system of the test directory does not keep it";
  EXPECT_FALSE(fs_->HasNewBirthTime(Node("f")));
  ::usleep(20'000);
  ASSERT_TRUE(fs_->SetAttr(Node("f"), AttrChange{.mode = 0600}));
  EXPECT_TRUE(fs_->HasNewBirthTime(Node("f")));
  EXPECT_FALSE(fs_->HasNewBirthTime(Node("f")));
  const auto copied = fs_->BirthTime(Node("f"));
  ASSERT_TRUE(copied.has_value());
  EXPECT_GT(**copied, **below);
}

}  // namespace
}  // namespace veneer
