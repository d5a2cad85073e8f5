// SPDX-License-Identifier: Apache-2.0
//
// Upper: what it refuses, what it writes, what a crash leaves.
#include "fs/upper/upper.h"

#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "layerdb/base/walk.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

namespace stdfs = std::filesystem;

class UpperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    base_ = MakeTempDir("upper");
    stdfs::create_directory(base_ / "u");
    stdfs::create_directory(base_ / "w");
    options_.upperdir = base_ / "u";
    options_.workdir = base_ / "w";
  }
  void TearDown() override { stdfs::remove_all(base_); }

  std::unique_ptr<Upper> OpenUpper() {
    auto upper = Upper::Open(options_);
    EXPECT_TRUE(upper.has_value()) << upper.error().message();
    return upper ? *std::move(upper) : nullptr;
  }
  Error OpenFails() {
    auto upper = Upper::Open(options_);
    EXPECT_FALSE(upper.has_value());
    return upper ? Error("it opened") : upper.error();
  }
  void File(const std::string& path, const std::string& text) {
    stdfs::create_directories((base_ / path).parent_path());
    std::ofstream(base_ / path) << text;
  }
  std::string Text(const std::string& path) {
    std::ifstream in(base_ / path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  bool IsWhiteout(const std::string& path) {
    struct stat st;
    return ::lstat((base_ / path).c_str(), &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
  }
  bool Exists(const std::string& path) {
    struct stat st;
    return ::lstat((base_ / path).c_str(), &st) == 0;
  }

  stdfs::path base_;
  UpperOptions options_;
};

TEST_F(UpperTest, SaysWhatIsWrongInOneLine) {
  options_.upperdir = base_ / "missing";
  EXPECT_EQ(OpenFails().message(),
            "upper directory " + options_.upperdir + ": No such file or directory");
  File("file", "");
  options_.upperdir = base_ / "file";
  EXPECT_EQ(OpenFails().message(), "upper directory " + options_.upperdir + ": Not a directory");
}

TEST_F(UpperTest, RefusesAWorkDirectoryWithForeignThings) {
  File("w/precious", "mine");
  EXPECT_NE(OpenFails().message().find("it holds 'precious'"), std::string::npos);
  EXPECT_EQ(Text("w/precious"), "mine");
}

TEST_F(UpperTest, RefusesAnotherFileSystem) {
  options_.workdir = "/dev/shm";
  const std::string message = OpenFails().message();
  EXPECT_NE(message.find("not on the file system of"), std::string::npos) << message;
}

TEST_F(UpperTest, RefusesDirectoriesThatContainOneAnother) {
  stdfs::create_directory(base_ / "u/w");
  options_.workdir = base_ / "u/w";
  EXPECT_NE(OpenFails().message().find("contain one another"), std::string::npos);
}

TEST_F(UpperTest, RefusesAnUpperInUseAndNamesTheHolder) {
  const auto first = OpenUpper();
  stdfs::create_directory(base_ / "w2");
  options_.workdir = base_ / "w2";
  const Error error = OpenFails();
  EXPECT_EQ(error.exit(), ExitCode::kInUse);
  EXPECT_NE(error.message().find("pid " + std::to_string(::getpid())), std::string::npos)
      << error.message();
}

TEST_F(UpperTest, EmptiesWhatACrashLeftAndFollowsNoSymlink) {
  File("outside/keep", "keep");
  File("w/work/dir/deep/file", "left");
  stdfs::create_directory_symlink(base_ / "outside", base_ / "w/work/link");
  const auto upper = OpenUpper();
  EXPECT_TRUE(stdfs::is_empty(base_ / "w/work"));
  EXPECT_EQ(Text("outside/keep"), "keep");
}

TEST_F(UpperTest, SetModeOfASymlinkInTheWayOfAFileChangesNothing) {
  const auto upper = OpenUpper();
  File("outside/secret", "secret");
  stdfs::permissions(base_ / "outside/secret", stdfs::perms(0600));
  stdfs::create_symlink(base_ / "outside/secret", base_ / "u/f");
  EXPECT_FALSE(upper->SetMode({upper->root().get(), "f"}, 04777));
  EXPECT_EQ(stdfs::status(base_ / "outside/secret").permissions(), stdfs::perms(0600));
}

TEST_F(UpperTest, TheDirectoriesInTheWorkDirectoryAreNobodyElses) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make another's directories";
  for (const char* name : {"w/work", "w/veneer", "w/veneer/links", "w/veneer/nlink"}) {
    stdfs::create_directories(base_ / name);
    ASSERT_EQ(::chown((base_ / name).c_str(), 4711, 4711), 0);
    ASSERT_EQ(::chmod((base_ / name).c_str(), 0777), 0);
  }
  const auto upper = OpenUpper();
  for (const char* name : {"w/work", "w/veneer", "w/veneer/links", "w/veneer/nlink"}) {
    struct stat st;
    ASSERT_EQ(::stat((base_ / name).c_str(), &st), 0);
    EXPECT_EQ(st.st_uid, 0U) << name;
    EXPECT_EQ(st.st_mode & 07777, 0700U) << name;
  }
}

TEST_F(UpperTest, WhiteoutReplacesAnythingInOneStep) {
  const auto upper = OpenUpper();
  File("u/file", "x");
  File("u/dir/inner", "x");
  const int root = upper->root().get();
  ASSERT_TRUE(upper->Whiteout({root, "nothing"}, Upper::Occupied::kNothing));
  ASSERT_TRUE(upper->Whiteout({root, "file"}, Upper::Occupied::kFile));
  ASSERT_TRUE(upper->Whiteout({root, "dir"}, Upper::Occupied::kDirectory));
  ASSERT_TRUE(upper->Whiteout({root, "second"}, Upper::Occupied::kNothing));
  for (const char* name : {"u/nothing", "u/file", "u/dir", "u/second"}) {
    EXPECT_TRUE(IsWhiteout(name)) << name;
  }
}

TEST_F(UpperTest, StagedObjectsThatAreNotPublishedLeaveNothing) {
  {
    const auto upper = OpenUpper();
    NewObject object;
    object.type = FileType::kDirectory;
    object.mode = 0755;
    const auto staged = upper->Stage(object);
    ASSERT_TRUE(staged.has_value());
    EXPECT_FALSE(stdfs::is_empty(base_ / "w/work"));
  }
  EXPECT_TRUE(stdfs::is_empty(base_ / "w/work"));
}

TEST_F(UpperTest, APublishedFileCarriesEverything) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to change owners";
  const auto upper = OpenUpper();
  NewObject object;
  object.mode = 04755;
  object.uid = 12;
  object.gid = 34;
  object.data_bytes = "contents";
  object.data_size = object.size = 8;
  object.mtime = object.atime = Timestamp{-5, 123456789};
  object.xattrs = {{"trusted.overlay.opaque", "data of the image"}, {"user.plain", "p"}};
  object.origin = Origin{0, 77};
  auto staged = upper->Stage(object);
  ASSERT_TRUE(staged.has_value());
  ASSERT_TRUE(upper->Publish(*staged, {upper->root().get(), "f"}, false));
  const auto read = upper->Read({upper->root().get(), "f"}, "");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->attr.mode, 04755U);
  EXPECT_EQ(read->attr.uid, 12U);
  EXPECT_EQ(read->attr.gid, 34U);
  EXPECT_EQ(read->attr.mtime, (Timestamp{-5, 123456789}));
  EXPECT_EQ(read->origin.ino, 77U);
  EXPECT_FALSE(read->marks.opaque) << "an image's xattr is data";
  EXPECT_EQ(Text("u/f"), "contents");
  char value[32] = {};
  EXPECT_GT(::getxattr((base_ / "u/f").c_str(), "trusted.overlay.overlay.opaque", value, 31), 0);
  EXPECT_STREQ(value, "data of the image");
}

TEST_F(UpperTest, AnUpperHasTheMarksOfOneNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "trusted xattrs need root";
  const auto mark = [&](const char* path, const char* name, const char* value) {
    ASSERT_EQ(::setxattr((base_ / path).c_str(), name, value, ::strlen(value), 0), 0);
  };
  const auto is_opaque = [&](const char* name) {
    const auto upper = OpenUpper();
    return upper->Read({upper->root().get(), name}, "")->marks.opaque;
  };
  OpenUpper();  // empty: its own from the start
  for (const char* name : {"trusted", "user", "fuse"}) stdfs::create_directory(base_ / "u" / name);
  mark("u/trusted", "trusted.overlay.opaque", "y");
  mark("u/user", "user.overlay.opaque", "y");
  mark("u/fuse", "user.fuseoverlayfs.opaque", "y");
  EXPECT_TRUE(is_opaque("trusted"));
  EXPECT_FALSE(is_opaque("user")) << "somebody's data";
  EXPECT_FALSE(is_opaque("fuse")) << "somebody's data";
  // One that others have written to: what they meant counts.
  ASSERT_EQ(::removexattr((base_ / "u").c_str(), "trusted.overlay.veneer.upper"), 0);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_TRUE(is_opaque("trusted"));
    EXPECT_TRUE(is_opaque("user"));
    EXPECT_TRUE(is_opaque("fuse"));
  }
  // An ordinary user's stays one.
  ASSERT_EQ(::removexattr((base_ / "u").c_str(), "trusted.overlay.veneer.upper"), 0);
  mark("u", "user.overlay.veneer.upper", "y");
  {
    const auto upper = OpenUpper();
    ASSERT_TRUE(upper->SetOpaque({upper->root().get(), "fuse"}));
  }
  char value[2] = {};
  EXPECT_EQ(::getxattr((base_ / "u/fuse").c_str(), "user.overlay.opaque", value, 2), 1);
  EXPECT_TRUE(is_opaque("user"));
  EXPECT_FALSE(is_opaque("trusted"));
}

TEST_F(UpperTest, OwnerAndModeAreReadWhereFuseOverlayfsKeepsThem) {
  if (::geteuid() != 0) GTEST_SKIP() << "security xattrs need root";
  options_.xattr_permissions = 1;
  for (const char* name : {"security.fuseoverlayfs.override_stat", "user.containers.override_stat",
                           "user.fuseoverlayfs.override_stat"}) {
    stdfs::remove_all(base_ / "u");
    stdfs::create_directory(base_ / "u");
    File("u/f", "f");
    ASSERT_EQ(::setxattr((base_ / "u").c_str(), name, "0:0:0755", 8, 0), 0);
    ASSERT_EQ(::setxattr((base_ / "u/f").c_str(), name, "12:34:4711", 10, 0), 0);
    const auto upper = OpenUpper();
    const sys::At file{upper->root().get(), "f"};
    EXPECT_EQ(upper->Stat(file)->uid, 12U) << name;
    EXPECT_EQ(upper->Stat(file)->mode, 04711U) << name;
    ASSERT_TRUE(upper->SetMode(file, 0640));
    char value[32] = {};
    EXPECT_GT(::getxattr((base_ / "u/f").c_str(), name, value, 31), 0);
    EXPECT_STREQ(value, "12:34:0640") << name;
    stdfs::create_symlink("f", base_ / "u/link");
    const sys::At link{upper->root().get(), "link"};
    ASSERT_TRUE(upper->SetOwner(link, 56, 78));
    const bool user = std::string_view(name).starts_with("user.");
    EXPECT_EQ(upper->Stat(link)->uid, user ? 0U : 56U) << name;
  }
}

TEST_F(UpperTest, PublishReplacesAWhiteoutByAFileOrADirectory) {
  const auto upper = OpenUpper();
  const int root = upper->root().get();
  for (const FileType type : {FileType::kRegular, FileType::kDirectory, FileType::kSymlink}) {
    ASSERT_TRUE(upper->Whiteout({root, "x"}, Upper::Occupied::kNothing));
    NewObject object;
    object.type = type;
    object.mode = 0755;
    object.target = "target";
    {
      auto staged = upper->Stage(object);
      ASSERT_TRUE(staged.has_value());
      ASSERT_TRUE(upper->Publish(*staged, {root, "x"}, true));
    }
    EXPECT_EQ(upper->Stat({root, "x"})->type, type);
    stdfs::remove_all(base_ / "u/x");
  }
}

TEST_F(UpperTest, MoveLeavesAWhiteoutAndReplacesWhatIsThere) {
  const auto upper = OpenUpper();
  const int root = upper->root().get();
  File("u/f", "f");
  ASSERT_TRUE(upper->Move({root, "f"}, false, {root, "g"}, Upper::Occupied::kNothing, true));
  EXPECT_TRUE(IsWhiteout("u/f"));
  EXPECT_EQ(Text("u/g"), "f");
  File("u/h", "h");
  ASSERT_TRUE(upper->Move({root, "g"}, false, {root, "h"}, Upper::Occupied::kFile, false));
  EXPECT_FALSE(Exists("u/g"));
  EXPECT_EQ(Text("u/h"), "f");

  File("u/d/in", "in");
  stdfs::create_directory(base_ / "u/e");
  ASSERT_EQ(::mknod((base_ / "u/e/gone").c_str(), S_IFCHR, 0), 0);
  ASSERT_TRUE(upper->Move({root, "d"}, true, {root, "e"}, Upper::Occupied::kDirectory, true));
  EXPECT_TRUE(IsWhiteout("u/d"));
  EXPECT_EQ(Text("u/e/in"), "in");
  EXPECT_FALSE(Exists("u/e/gone"));

  ASSERT_TRUE(upper->Move({root, "e"}, true, {root, "d"}, Upper::Occupied::kFile, false))
      << "onto a whiteout";
  EXPECT_FALSE(Exists("u/e"));
  EXPECT_EQ(Text("u/d/in"), "in");
}

// With fewer descriptors than levels, and with names that it uses itself.
TEST_F(UpperTest, RemoveTreeTakesAnyDepth) {
  const auto upper = OpenUpper();
  Fd at = *sys::Open({upper->root().get()}, O_PATH | O_DIRECTORY);
  const std::string part(200, 'd');
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(sys::MakeDir({at.get(), part.c_str()}, 0755));
    at = *sys::Open({at.get(), part.c_str()}, O_PATH | O_DIRECTORY);
    ASSERT_TRUE(sys::MakeDir({at.get(), "empty"}, 0));
    if (i % 2 == 0) {
      ASSERT_TRUE(sys::MakeDir({at.get(), "removed-1"}, 0755));
    }
    if (i > 20) continue;
    for (const char* const name : {"removed-2", "removed-3/in"}) {
      stdfs::create_directories("/proc/self/fd/" + std::to_string(at.get()) + "/" + name);
    }
  }
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const Sys<uint64_t> removed = RemoveTree({upper->root().get(), part.c_str()});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(removed) << removed.error().code;
  EXPECT_TRUE(stdfs::is_empty(base_ / "u"));
}

TEST_F(UpperTest, LinkIndexSurvivesAReopen) {
  {
    const auto upper = OpenUpper();
    ASSERT_TRUE(upper->links().SetCount(0x1234, 3));
    ASSERT_TRUE(upper->links().SetCount(0x1234, 2));
    ASSERT_TRUE(upper->links().SetCount(0x99, 1));
    ASSERT_TRUE(upper->links().CountDown(0x99, 0));
  }
  const auto upper = OpenUpper();
  EXPECT_EQ(upper->links().Count(0x1234), 2U);
  EXPECT_EQ(upper->links().Count(0x99), std::nullopt);
  EXPECT_FALSE(upper->links().Has(0x1234));
}

}  // namespace
}  // namespace veneer
