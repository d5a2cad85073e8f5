// SPDX-License-Identifier: Apache-2.0
#include "tools/run/mount_stubs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "layerdb/base/sys.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class MountStubsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = MakeTempDir("stubs");
    fs::create_directory(dir_ + "/root");
    fs::create_directory(dir_ + "/outside");
    root_ = Fd(open((dir_ + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  void TearDown() override {
    ASSERT_EQ(chdir("/"), 0);  // Remove() may have gone into the tree
    fs::remove_all(dir_);
  }

  std::string Root(const std::string& path) { return dir_ + "/root" + path; }
  std::string record() { return dir_ + "/record"; }
  ino_t Ino(const std::string& path) {
    struct stat st = {};
    lstat(path.c_str(), &st);
    return st.st_ino;
  }
  void SetMtime(const std::string& path, Timestamp mtime) {
    const struct timespec times[2] = {{0, UTIME_OMIT}, {mtime.sec, mtime.nsec}};
    ASSERT_EQ(utimensat(AT_FDCWD, Root(path).c_str(), times, 0), 0);
  }
  Timestamp Mtime(const std::string& path) {
    struct stat st = {};
    stat(Root(path).c_str(), &st);
    return {st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)};
  }
  ino_t Ino(const Fd& fd) { return sys::Stat({fd.get()})->st_ino; }

  std::string dir_;
  Fd root_;
};

TEST_F(MountStubsTest, MakesWhatIsMissingAndTakesItAwayAgain) {
  fs::create_directory(Root("/etc"));
  SetMtime("/etc", {1000, 5});
  auto stubs = MountStubs::Open(record());
  ASSERT_TRUE(stubs);
  const auto file = stubs->Target(root_.get(), "/etc/resolv.conf", false);
  ASSERT_TRUE(file);
  EXPECT_EQ(Ino(*file), Ino(Root("/etc/resolv.conf")));
  const auto deep = stubs->Target(root_.get(), "/a/b/c", true);
  ASSERT_TRUE(deep);
  EXPECT_TRUE(fs::is_directory(Root("/a/b/c")));
  EXPECT_TRUE(MountStubs::Listed(record()));
  stubs->Remove(root_.get());
  EXPECT_FALSE(MountStubs::Listed(record()));
  EXPECT_TRUE(fs::is_empty(Root("/etc")));
  EXPECT_FALSE(fs::exists(Root("/a")));
  EXPECT_EQ(Mtime("/etc"), (Timestamp{1000, 5}));
}

TEST_F(MountStubsTest, ADirectoryInWhichSomethingElseChangedKeepsItsTime) {
  fs::create_directory(Root("/etc"));
  fs::create_directory(Root("/var"));
  for (const char* path : {"/", "/etc", "/var"}) SetMtime(path, {1000, 5});
  auto stubs = MountStubs::Open(record());
  for (const char* path : {"/etc/hosts", "/etc/resolv.conf", "/var/x"}) {
    ASSERT_TRUE(stubs->Target(root_.get(), path, false));
  }
  ASSERT_TRUE(stubs->Target(root_.get(), "/dev", true));
  ASSERT_TRUE(stubs->Target(root_.get(), "/proc", true));
  SetMtime("/", {2000, 1});  // as a program that makes a file there does
  SetMtime("/etc", {2000, 2});
  ASSERT_TRUE(stubs->Target(root_.get(), "/late", true));
  ASSERT_TRUE(stubs->Target(root_.get(), "/later", true));
  stubs->Remove(root_.get());
  EXPECT_FALSE(fs::exists(Root("/dev")));
  EXPECT_EQ(Mtime("/"), (Timestamp{2000, 1}));
  EXPECT_EQ(Mtime("/etc"), (Timestamp{2000, 2}));
  EXPECT_EQ(Mtime("/var"), (Timestamp{1000, 5}));
}

TEST_F(MountStubsTest, ADirectoryWithAStubThatWasFilledHasTheTimeAtWhichThatWasMade) {
  SetMtime("/", {1000, 5});
  auto stubs = MountStubs::Open(record());
  ASSERT_TRUE(stubs->Target(root_.get(), "/dev", true));
  ASSERT_TRUE(stubs->Target(root_.get(), "/srv", true));
  const Timestamp made = Mtime("/");
  ASSERT_TRUE(stubs->Target(root_.get(), "/sys", true));
  std::ofstream(Root("/srv/x")) << "";
  stubs->Remove(root_.get());
  EXPECT_FALSE(fs::exists(Root("/sys")));
  EXPECT_EQ(Mtime("/"), made);
}

TEST_F(MountStubsTest, WhatWasThereIsNotAStub) {
  std::ofstream(Root("/hosts")) << "";
  auto stubs = MountStubs::Open(record());
  ASSERT_TRUE(stubs->Target(root_.get(), "/hosts", false));
  stubs->Remove(root_.get());
  EXPECT_TRUE(fs::exists(Root("/hosts")));
}

TEST_F(MountStubsTest, WhatWasFilledMeanwhileStays) {
  auto stubs = MountStubs::Open(record());
  ASSERT_TRUE(stubs->Target(root_.get(), "/file", false));
  ASSERT_TRUE(stubs->Target(root_.get(), "/dir", true));
  std::ofstream(Root("/file")) << "contents";
  std::ofstream(Root("/dir/x")) << "";
  stubs->Remove(root_.get());
  EXPECT_TRUE(fs::exists(Root("/file")));
  EXPECT_TRUE(fs::exists(Root("/dir/x")));
}

TEST_F(MountStubsTest, SymlinksStayInsideTheRoot) {
  fs::create_directory_symlink(dir_ + "/outside", Root("/absolute"));
  fs::create_directory_symlink("../../../../../../../../" + dir_ + "/outside", Root("/relative"));
  fs::create_symlink("../run/deep/stub.conf", Root("/link"));
  fs::create_symlink("loop", Root("/loop"));
  MountStubs stubs;
  for (const char* path : {"/absolute/x", "/relative/x"}) {
    const auto target = stubs.Target(root_.get(), path, false);
    ASSERT_TRUE(target);
    EXPECT_EQ(Ino(*target), Ino(Root(dir_ + "/outside/x")));
  }
  EXPECT_TRUE(fs::is_empty(dir_ + "/outside"));
  ASSERT_TRUE(stubs.Target(root_.get(), "/link", false));
  EXPECT_TRUE(fs::is_regular_file(Root("/run/deep/stub.conf")));
  EXPECT_EQ(stubs.Target(root_.get(), "/loop", false).error().code, ELOOP);
  ASSERT_TRUE(stubs.Target(root_.get(), "/x/../../../y", true));
  EXPECT_TRUE(fs::is_directory(Root("/y")));
}

TEST_F(MountStubsTest, RefusesTheOtherKind) {
  fs::create_directory(Root("/dir"));
  std::ofstream(Root("/file")) << "";
  MountStubs stubs;
  EXPECT_EQ(stubs.Target(root_.get(), "/dir", false).error().code, EISDIR);
  EXPECT_EQ(stubs.Target(root_.get(), "/file", true).error().code, ENOTDIR);
  EXPECT_EQ(stubs.Target(root_.get(), "/file/x", false).error().code, ENOTDIR);
}

TEST_F(MountStubsTest, OnlyTheLastSessionRemoves) {
  auto first = MountStubs::Open(record());
  ASSERT_TRUE(first->Target(root_.get(), "/stub", false));
  {
    auto second = MountStubs::Open(record());
    ASSERT_TRUE(second->Target(root_.get(), "/stub", false));
    first->Remove(root_.get());
    EXPECT_TRUE(fs::exists(Root("/stub")));
    MountStubs::RemoveStale(record(), root_.get());
    EXPECT_TRUE(fs::exists(Root("/stub")));
  }
  first->Remove(root_.get());
  EXPECT_FALSE(fs::exists(Root("/stub")));
}

TEST_F(MountStubsTest, AKilledSessionIsClearedUpLater) {
  {
    auto killed = MountStubs::Open(record());
    ASSERT_TRUE(killed->Target(root_.get(), "/a/b", false));
  }
  EXPECT_TRUE(fs::exists(Root("/a/b")));
  MountStubs::RemoveStale(record(), root_.get());
  EXPECT_FALSE(fs::exists(Root("/a")));
  EXPECT_FALSE(MountStubs::Listed(record()));
}

TEST_F(MountStubsTest, WhatIsNotAsTheSessionMadeItStays) {
  auto stubs = MountStubs::Open(record());
  for (const char* path : {"/mode", "/anew", "/named", "/same"}) {
    ASSERT_TRUE(stubs->Target(root_.get(), path, true));
  }
  ASSERT_TRUE(stubs->Target(root_.get(), "/file", false));
  ASSERT_EQ(chmod(Root("/mode").c_str(), 0700), 0);
  fs::remove(Root("/anew"));
  fs::create_directory(Root("/anew"));
  SetMtime("/anew", {3000, 0});
  ASSERT_EQ(chmod(Root("/file").c_str(), 0600), 0);
  // A file system may have no xattrs.
  const bool named = setxattr(Root("/named").c_str(), "user.x", "y", 1, 0) == 0;
  stubs->Remove(root_.get());
  EXPECT_FALSE(fs::exists(Root("/same")));
  EXPECT_TRUE(fs::exists(Root("/mode")));
  EXPECT_TRUE(fs::exists(Root("/anew")));
  EXPECT_EQ(fs::exists(Root("/named")), named);
  EXPECT_TRUE(fs::exists(Root("/file")));
  EXPECT_FALSE(MountStubs::Listed(record()));
}

TEST_F(MountStubsTest, InABareLayerWhatTheImageHasIsHiddenAgain) {
  fs::create_directory(dir_ + "/work");
  const Fd work(open((dir_ + "/work").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  {
    auto killed = MountStubs::Open(record());
    for (const char* path : {"/run", "/dev", "/full"}) {
      ASSERT_TRUE(killed->Target(root_.get(), path, true));
    }
    ASSERT_TRUE(killed->Target(root_.get(), "/hosts", false));
  }
  std::ofstream(Root("/full/x")) << "";
  SetMtime("/full", Mtime("/dev"));
  const auto is_whiteout = [&](const char* path) {
    struct stat st = {};
    return lstat(Root(path).c_str(), &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
  };
  const auto unknown = [](std::string_view) -> Result<bool> { return MakeError("cannot be read"); };
  const MountStubs::BareLayer unreadable{work.get(), unknown};
  MountStubs::RemoveStale(record(), root_.get(), &unreadable);
  EXPECT_TRUE(fs::exists(Root("/hosts")));
  EXPECT_TRUE(MountStubs::Listed(record()));
  const auto in_image = [](std::string_view path) -> Result<bool> { return path != "dev"; };
  const MountStubs::BareLayer bare{work.get(), in_image};
  MountStubs::RemoveStale(record(), root_.get(), &bare);
  EXPECT_TRUE(is_whiteout("/run"));
  EXPECT_TRUE(is_whiteout("/hosts"));
  EXPECT_FALSE(fs::exists(Root("/dev")));
  EXPECT_TRUE(fs::exists(Root("/full/x")));
  EXPECT_FALSE(MountStubs::Listed(record()));
  EXPECT_TRUE(fs::is_empty(dir_ + "/work"));
}

TEST(StubRecordTest, ReadsBackWhatItWroteAndSkipsDamage) {
  const Stub file{"/etc/a b\n", false, {-5, 7}};
  const Stub dir{"/d", true, {1, 0}, Timestamp{2, 3}};
  const Stub made{
      "/m", true, {1, 0}, Timestamp{2, 3}, StubState{0755, {4, 5}, ~uint64_t{0}, true, false}};
  EXPECT_EQ(ParseStubs(FormatStub(made)), std::vector<Stub>{made});
  const std::string text = FormatStub(file) + FormatStub(dir);
  EXPECT_EQ(ParseStubs(text), (std::vector<Stub>{file, dir}));
  for (const char* bad :
       {"d 1.0 2.3 755:10:f /m", "d 1.0 2.3 755:1:f 4.5 /m", "d 1.0 2.3 855:10:f 4.5 /m",
        "d 1.0 2.3 755:10:g 4.5 /m", "d 1.0 2.3 755 4.5 /m"}) {
    EXPECT_TRUE(ParseStubs(std::string(bad) + '\0').empty()) << bad;
  }
  EXPECT_EQ(ParseStubs(text.substr(0, text.size() - 1)), std::vector<Stub>{file});
  const std::string cut = FormatStub(dir).substr(0, 7);
  EXPECT_EQ(ParseStubs(cut + text), (std::vector<Stub>{file, dir}));
  const std::string damaged = std::string(
      "x 1.2 /a\0f 1 /a\0f 1.x /a\0d 1.2 a\0f 1.2 /\0f 1.2 3 /a\0f 1.2 3.1000000000 /a\0\0", 75);
  EXPECT_TRUE(ParseStubs(damaged).empty());
}

TEST(StubRecordTest, WhatIsSaidTwiceOfOneStubIsOneStub) {
  const Stub first{"/a", false, {1, 0}};
  const Stub second{"/b", false, {2, 0}};
  Stub made = first;
  made.after = Timestamp{2, 0};
  EXPECT_EQ(ParseStubs(FormatStub(first) + FormatStub(second) + FormatStub(made)),
            (std::vector<Stub>{made, second}));
  EXPECT_EQ(ParseStubs(FormatStub(first) + FormatStub(first) + FormatStub(made)),
            std::vector<Stub>{made});
}

TEST(StubRecordTest, AStubIsAsItWasMade) {
  Stub stub{"/m", true, {1, 0}, Timestamp{2, 3}};
  const StubState made{0755, {4, 5}, 6, true, false};
  EXPECT_TRUE(IsAsMade(stub, made)) << "a record of before";
  stub.made = made;
  EXPECT_TRUE(IsAsMade(stub, made));
  EXPECT_TRUE(IsAsMade(stub, {0755, {4, 5}, 6, true, true}));
  EXPECT_FALSE(IsAsMade(stub, {0700, {4, 5}, 6, true, false}));
  EXPECT_FALSE(IsAsMade(stub, {0755, {4, 6}, 6, true, false}));
  EXPECT_FALSE(IsAsMade(stub, {0755, {4, 5}, 7, true, false}));
  EXPECT_FALSE(IsAsMade(stub, {0755, {4, 5}, 6, false, false}));
}

TEST(StubRecordTest, OnlyXattrsOfUsersCount) {
  const XattrList list = {{"user.a", "1"}, {"user.b", "2"}};
  EXPECT_EQ(XattrsHash({{"user.b", "2"}, {"user.a", "1"}}), XattrsHash(list));
  EXPECT_EQ(XattrsHash({{"trusted.overlay.opaque", "y"}, {"security.selinux", "x"}}),
            XattrsHash({}));
  EXPECT_NE(XattrsHash({{"user.a", "1"}}), XattrsHash({}));
  EXPECT_NE(XattrsHash({{"user.a", "12"}}), XattrsHash({{"user.a", "1"}}));
}

TEST(StubRecordTest, ADirectoryHasItsTimeBackOnlyWhenNothingElseChangedInIt) {
  const Stub stub{"/d/a", true, {1, 5}, Timestamp{2, 0}};
  EXPECT_EQ(ParentPath(stub), "d");
  EXPECT_EQ(ParentPath({"/a", true, {}}), "");
  EXPECT_EQ(MtimeWithout(stub, {2, 0}), (Timestamp{1, 5}));
  EXPECT_EQ(MtimeWithout(stub, {2, 1}), (Timestamp{2, 1}));
  EXPECT_EQ(MtimeWithout({"/d/a", true, {1, 5}}, {2, 0}), (Timestamp{2, 0}));
}

}  // namespace
}  // namespace veneer
