// SPDX-License-Identifier: Apache-2.0
//
// What a layer or the upper says of itself, and data that looks the same: a union's own names
// inside the union.
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "layerdb/model/dialect.h"
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

TEST_F(UnionFsTest, AnXattrOfALayerWhoseNameIsTooLongWhenEscapedIsLeftOutOfACopy) {
  std::string name = "user.containers.";
  for (int i = 0; i < 28; ++i) name += "overlay.";
  name += "override_stat";
  File("a/f", "x");
  File("a/moved", "x");
  Dir("a/d");
  for (const char* path : {"a/f", "a/moved", "a/d"}) {
    Mark(path, name.c_str(), "1:1:0644");
    Mark(path, "user.kept", "y");
  }
  Mount({"a"});
  ASSERT_TRUE(Write("f", 1, "y"));
  ASSERT_TRUE(Rename("moved", "there"));
  ASSERT_TRUE(Create("d/new", "new"));
  Remount();
  EXPECT_EQ(ReadAll("f"), "xy");
  for (const char* path : {"f", "there", "d"}) {
    EXPECT_EQ(fs_->GetXattr(Node(path), "user.kept"), "y") << path;
  }
}

TEST_F(UnionFsTest, XattrsNamedLikeMarksMeanNothingInAnyLaterUseOfTheUpper) {
  if (::geteuid() != 0) GTEST_SKIP() << "trusted xattrs need root";
  const std::vector<std::string> names = {"trusted.overlay.opaque",
                                          "trusted.overlay.veneer.upper",
                                          "user.overlay.opaque",
                                          "user.overlay.veneer.upper",
                                          "user.fuseoverlayfs.opaque",
                                          "user.containers.override_stat",
                                          "user.fuseoverlayfs.override_stat",
                                          "security.fuseoverlayfs.override_stat"};
  auto value = [](const std::string& name) -> std::string {
    if (name.ends_with("override_stat")) return "77:77:4777";
    return name.ends_with("upper") ? "mixed" : "y";
  };
  const std::vector<std::string> paths = {"", "d", "d/f"};
  auto check = [&](const char* use, bool root) {
    EXPECT_EQ(List("d"), (Names{"below", "f"})) << use;
    for (const std::string& path : paths) {
      if (path.empty() && !root) continue;
      EXPECT_EQ(Stat(path).uid, 0U) << use << " " << path;
      EXPECT_EQ(Stat(path).mode & 07000, 0U) << use << " " << path;
      const std::string list = fs_->ListXattr(Node(path)).value_or("");
      EXPECT_EQ(std::count(list.begin(), list.end(), '\0'), names.size()) << use << " " << path;
      for (const std::string& name : names) {
        EXPECT_EQ(fs_->GetXattr(Node(path), name), value(name)) << use << " " << path;
      }
    }
  };
  for (const int permissions : {0, 1}) {
    File("b/d/below", "x");
    UpperOptions options;
    options.xattr_permissions = permissions;
    Mount({"b"}, options);
    ASSERT_TRUE(Create("d/f", "f"));
    for (const std::string& path : paths) {
      for (const std::string& name : names) {
        ASSERT_TRUE(fs_->SetXattr(Node(path), name, value(name), 0)) << path << " " << name;
      }
    }
    check("set", true);
    Unmount();
    std::filesystem::rename(base_ / "u", base_ / "a");
    std::filesystem::remove_all(base_ / "w");
    Mount({"a", "b"});
    check("a layer", false);
    Unmount();
    std::filesystem::remove_all(base_ / "u");
    std::filesystem::remove_all(base_ / "w");
    std::filesystem::rename(base_ / "a", base_ / "u");
    for (const int later : {0, 1, 2, 0}) {
      options.xattr_permissions = later;
      Mount({"b"}, options);
      check("an upper", true);
      Unmount();
    }
    std::filesystem::remove_all(base_ / "u");
    std::filesystem::remove_all(base_ / "w");
  }
}

TEST_F(UnionFsTest, OwnersAndModesThatTheUpperKeepsInXattrsStay) {
  File("b/f", "x");
  UpperOptions options;
  options.xattr_permissions = 1;
  Mount({"b"}, options);
  ASSERT_TRUE(fs_->SetAttr(Node("f"), AttrChange{.mode = 04751, .uid = 12, .gid = 34}));
  auto check = [&](const char* use) {
    EXPECT_EQ(Stat("f").uid, 12U) << use;
    EXPECT_EQ(Stat("f").mode, 04751U) << use;
    EXPECT_EQ(fs_->ListXattr(Node("f")), "") << use;
  };
  check("set");
  Unmount();
  Mount({"b"});
  EXPECT_EQ(Stat("f").mode & 07000, 0U) << "not asked for";
  EXPECT_EQ(fs_->ListXattr(Node("f")), "");
  EXPECT_EQ(Code(fs_->RemoveXattr(Node("f"), kOverrideStat)), ENODATA);
  Unmount();
  Mount({"b"}, options);
  check("again");
  Unmount();
  std::filesystem::rename(base_ / "u", base_ / "a");
  std::filesystem::remove_all(base_ / "w");
  Mount({"a", "b"});
  check("as a layer");
}

TEST_F(UnionFsTest, WhatTheKernelLeftUnescapedInAnUpperIsData) {
  File("b/f", "x");
  Mount({"b"});
  ASSERT_TRUE(Create("g", "g"));
  Unmount();
  Mark("u/g", kOverrideStat, "1:1:4777");
  Mount({"b"});
  const std::string listed = std::string(kOverrideStat) + '\0';
  EXPECT_EQ(fs_->GetXattr(Node("g"), kOverrideStat), "1:1:4777");
  EXPECT_EQ(fs_->ListXattr(Node("g")), listed);
  EXPECT_EQ(Code(fs_->SetXattr(Node("g"), kOverrideStat, "new", XATTR_CREATE)), EEXIST);
  ASSERT_TRUE(fs_->SetXattr(Node("g"), kOverrideStat, "new", XATTR_REPLACE));
  Unmount();
  Mark("u/g", kOverrideStat, "older");
  Mount({"b"});
  EXPECT_EQ(fs_->GetXattr(Node("g"), kOverrideStat), "new");
  EXPECT_EQ(fs_->ListXattr(Node("g")), listed);
  ASSERT_TRUE(fs_->RemoveXattr(Node("g"), kOverrideStat));
  EXPECT_EQ(fs_->ListXattr(Node("g")), "");
  EXPECT_EQ(Code(fs_->RemoveXattr(Node("g"), kOverrideStat)), ENODATA);
}

// The kernel's overlayfs, as root, escapes trusted.overlay.* alone: whoever owns the root of its
// mount can name the rest.
TEST_F(UnionFsTest, WhatTheKernelLeftUnescapedAtTheRootOfAnUpperSaysNothingOfIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "trusted xattrs need root";
  for (const bool ours : {true, false}) {
    for (const char* value : {"mixed", "y"}) {
      for (const char* name :
           {"user.containers.override_stat", "user.fuseoverlayfs.override_stat"}) {
        Dir("b/secret");
        File("b/secret/key", "key");
        Dir("u");
        if (ours) {
          Mount({"b"});
          Unmount();
        } else {
          Mark("u", "trusted.overlay.impure", "y");
        }
        File("u/f", "f");
        Dir("u/pub");
        Dir("u/kept");
        Mark("u/kept", "trusted.overlay.redirect", "/secret");
        Mark("u/pub", "user.overlay.redirect", "/secret");
        Mark("u", "user.overlay.veneer.upper", value);
        Mark("u", name, "0:0:0700");
        Mark("u/f", name, "7:7:4755");
        auto check = [&](const char* use) {
          EXPECT_EQ(List("pub"), Names{}) << use;
          EXPECT_EQ(List("kept"), Names{"key"}) << use;
          EXPECT_EQ(Stat("f").uid, 0U) << use;
          EXPECT_EQ(Stat("f").mode & 07777, 0644U) << use;
          EXPECT_EQ(fs_->GetXattr(Node("f"), name), "7:7:4755") << use;
          EXPECT_EQ(fs_->GetXattr(Node("pub"), "user.overlay.redirect"), "/secret") << use;
        };
        Mount({"b"});
        check("an upper");
        EXPECT_EQ(fs_->GetXattr(Node(""), "user.overlay.veneer.upper"), value);
        EXPECT_EQ(fs_->GetXattr(Node(""), name), "0:0:0700");
        Unmount();
        std::filesystem::rename(base_ / "u", base_ / "a");
        std::filesystem::remove_all(base_ / "w");
        Mount({"a", "b"});
        check("a layer");
        Unmount();
        for (const char* directory : {"a", "u", "w"})
          std::filesystem::remove_all(base_ / directory);
      }
    }
  }
}

TEST_F(UnionFsTest, AnUpperOfRootSaysByItsTrustedMarkWhereItsOwnersAre) {
  if (::geteuid() != 0) GTEST_SKIP() << "trusted xattrs need root";
  File("b/f", "x");
  // What fuse-overlayfs began goes on as it was.
  File("u/old", "old");
  Mark("u", "user.fuseoverlayfs.override_stat", "0:0:0755");
  Mark("u/old", "user.fuseoverlayfs.override_stat", "12:34:0640");
  Mount({"b"});
  Unmount();
  std::filesystem::rename(base_ / "u", base_ / "a");
  std::filesystem::remove_all(base_ / "w");
  Mount({"a", "b"});
  EXPECT_EQ(Stat("old").uid, 12U);
  Unmount();
  for (const char* directory : {"a", "u", "w"}) std::filesystem::remove_all(base_ / directory);
  // What was written before the mark said so, is read again once the option has.
  Mount({"b"});
  Unmount();
  File("u/old", "old");
  Mark("u", kOverrideStat, "0:0:0755");
  Mark("u/old", kOverrideStat, "12:34:0640");
  UpperOptions options;
  options.xattr_permissions = 1;
  Mount({"b"}, options);
  EXPECT_EQ(Stat("old").uid, 12U);
  Unmount();
  std::filesystem::rename(base_ / "u", base_ / "a");
  std::filesystem::remove_all(base_ / "w");
  Mount({"a", "b"});
  EXPECT_EQ(Stat("old").uid, 12U);
}

TEST_F(UnionFsTest, TrustedNamesAreDataInAnOrdinaryUsersUpperAndStayOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "trusted xattrs need root";
  Dir("b/d");
  File("b/d/below", "x");
  Dir("u/d");
  Mark("u", "user.overlay.veneer.upper", "y");
  Mark("u/d", "user.overlay.opaque", "y");
  Mark("u/d", "trusted.overlay.redirect", "older data");
  Mount({"b"});
  ASSERT_TRUE(fs_->SetXattr(Node(""), "trusted.overlay.opaque", "y", 0));
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(List("d"), Names{});
    EXPECT_EQ(fs_->GetXattr(Node(""), "trusted.overlay.opaque"), "y");
    EXPECT_EQ(fs_->GetXattr(Node("d"), "trusted.overlay.redirect"), "older data");
    Remount();
  }
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
