// SPDX-License-Identifier: Apache-2.0
//
// What a layer or the upper says of itself, and data that looks the same: a union's own names inside the union.
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

using Names = std::vector<std::string>;

TEST_F(UnionFsTest, AWhiteoutCannotBeMadeFromInside) {
  File("a/f", "x");
  Mount({"a"});
  EXPECT_EQ(Code(fs_->MakeNode(kRootNode, "w", S_IFCHR | 0600, 0, 0, caller_)), EPERM);
  ASSERT_TRUE(Create(".wh.f", "a plain file here"));
  Remount();
  EXPECT_EQ(List(""), (Names{".wh.f", "f"}));
}

TEST_F(UnionFsTest, XattrsNamedLikeMarksAreTheCallersOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "trusted xattrs need root";
  File("a/d/f", "x");
  File("b/d/below", "x");
  for (const int permissions : {0, 2}) {
    UpperOptions options;
    options.xattr_permissions = permissions;
    Mount({"a", "b"}, options);
    const std::vector<std::string> names = {
        "trusted.overlay.opaque",        "trusted.overlay.metacopy",    "trusted.overlay.redirect",
        "trusted.overlay.whiteout",      "user.overlay.opaque",         "user.overlay.metacopy",
        "trusted.overlay.veneer.origin", "trusted.overlay.overlay.x",   "user.fuseoverlayfs.opaque",
        "user.containers.override_stat", "trusted.overlay.veneer.upper"};
    for (const char* path : {"d", "d/f", ""}) {
      for (const std::string& name : names) {
        EXPECT_EQ(Code(fs_->GetXattr(Node(path), name)), ENODATA) << name;
        EXPECT_EQ(Code(fs_->RemoveXattr(Node(path), name)), ENODATA) << name;
        ASSERT_TRUE(fs_->SetXattr(Node(path), name, "y", XATTR_CREATE)) << path << " " << name;
        EXPECT_EQ(Code(fs_->SetXattr(Node(path), name, "z", XATTR_CREATE)), EEXIST) << name;
      }
    }
    Remount();
    for (const char* path : {"d", "d/f", ""}) {
      std::string list = fs_->ListXattr(Node(path)).value_or("");
      for (const std::string& name : names) {
        EXPECT_EQ(fs_->GetXattr(Node(path), name), "y") << name;
        EXPECT_NE(list.find(name + '\0'), std::string::npos) << name;
        EXPECT_TRUE(fs_->RemoveXattr(Node(path), name)) << name;
      }
      EXPECT_EQ(fs_->ListXattr(Node(path)), "") << path;
    }
    EXPECT_EQ(List("d"), (Names{"below", "f"})) << "an opaque mark would hide what is below";
    EXPECT_EQ(ReadAll("d/f"), "x");
    Unmount();
    std::filesystem::remove_all(base_ / "u");
    std::filesystem::remove_all(base_ / "w");
  }
}

TEST_F(UnionFsTest, ANameThatIsTooLongWhenEscapedIsNotSupported) {
  File("a/f", "x");
  Mount({"a"});
  const std::string name = (::geteuid() == 0 ? "trusted.overlay." : "user.overlay.") +
                           std::string(::geteuid() == 0 ? 239 : 242, 'n');
  EXPECT_EQ(Code(fs_->SetXattr(Node("f"), name, "y", 0)), EOPNOTSUPP);
}

TEST_F(UnionFsTest, XattrsNamedLikeMarksMeanNothingWhenTheUpperBecomesALayer) {
  if (::geteuid() != 0) GTEST_SKIP() << "trusted xattrs need root";
  File("b/d/below", "x");
  Mount({"b"});
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque",
                           "user.fuseoverlayfs.opaque", "user.containers.override_stat"}) {
    ASSERT_TRUE(fs_->SetXattr(Node("d"), name, "y", 0));
  }
  ASSERT_TRUE(fs_->SetXattr(kRootNode, "user.containers.override_stat", "77:77:0700", 0));
  Unmount();
  std::filesystem::rename(base_ / "u", base_ / "a");
  std::filesystem::remove_all(base_ / "w");
  Mount({"a", "b"});
  EXPECT_EQ(List("d"), Names{"below"});
  EXPECT_EQ(fs_->GetXattr(Node("d"), "user.overlay.opaque"), "y");
  EXPECT_EQ(fs_->GetXattr(Node("d"), "trusted.overlay.opaque"), "y");
  EXPECT_EQ(Stat("d").uid, 0U);
}

TEST_F(UnionFsTest, AnXattrWhiteoutIsHiddenWhateverItsDirectorySays) {
  const char* mark = ::geteuid() == 0 ? "trusted.overlay.whiteout" : "user.overlay.whiteout";
  for (const char* path : {"a/gone", "a/d/gone", "u/above", "u/d/above"}) {
    File(path, "");
    Mark(path, mark, "y");
  }
  for (const char* path : {"b/gone", "b/d/gone", "b/above", "b/d/above", "b/kept"}) File(path, "b");
  File("a/d/empty", "");
  File("a/e/only", "");
  Mark("a/e/only", mark, "y");
  Mount({"a", "b"});
  for (const char* path : {"gone", "d/gone", "above", "d/above", "e/only"}) {
    EXPECT_EQ(Code(Find(path)), ENOENT) << path;
  }
  EXPECT_EQ(List(""), (Names{"d", "e", "kept"}));
  EXPECT_EQ(List("d"), Names{"empty"});
  EXPECT_EQ(ReadAll("d/empty"), "");
  ASSERT_TRUE(Create("gone", "new"));
  ASSERT_TRUE(Create("above", "new"));
  ASSERT_TRUE(Rename("kept", "d/above"));
  ASSERT_TRUE(Rmdir("e"));
  Remount();
  EXPECT_EQ(List(""), (Names{"above", "d", "gone"}));
  EXPECT_EQ(ReadAll("above"), "new");
  EXPECT_EQ(ReadAll("d/above"), "b");
}

TEST_F(UnionFsTest, AnEmptyFileBesideXattrWhiteoutsIsNone) {
  const std::string space = ::geteuid() == 0 ? "trusted.overlay." : "user.overlay.";
  for (const char* dir : {"a/d", "u/d"}) {
    File(std::string(dir) + "/gone", "");
    Mark(std::string(dir) + "/gone", (space + "whiteout").c_str(), "y");
    Mark(dir, (space + "opaque").c_str(), "x");
  }
  File("a/d/lower", "");
  File("u/d/upper", "");
  File("b/d/gone", "b");
  Mount({"a", "b"});
  EXPECT_EQ(List("d"), (Names{"lower", "upper"}));
  EXPECT_EQ(ReadAll("d/lower"), "");
  EXPECT_EQ(ReadAll("d/upper"), "");
}

TEST_F(UnionFsTest, ADirectoryOfHiddenNamesIsEmpty) {
  File("a/e/only", "");
  Mark("a/e/only", ::geteuid() == 0 ? "trusted.overlay.whiteout" : "user.overlay.whiteout", "y");
  Mount({"a"});
  ASSERT_TRUE(Rmdir("e"));
  Remount();
  EXPECT_EQ(List(""), Names{});
}

TEST_F(UnionFsTest, AMarkThatCameWithAnImageIsDataAndSurvivesCopyUp) {
  Dir("a/d");
  File("a/d/x", "x");
  Mark("a/d", "user.overlay.overlay.opaque", "y");
  Mount({"a"});
  ASSERT_TRUE(fs_->SetAttr(Node("d"), AttrChange{.mode = 0700}));
  Remount();
  EXPECT_EQ(List("d"), Names{"x"});
}

}  // namespace
}  // namespace veneer
