// SPDX-License-Identifier: Apache-2.0
#include "fs/options/mount_paths.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace veneer {
namespace {

namespace stdfs = std::filesystem;

class MountPathsTest : public ::testing::Test {
 protected:
  MountPathsTest() {
    root_ = stdfs::canonical(MakeTempDir("paths"));
    for (const char* dir : {"l1/sub", "l2", "up", "work", "mnt/sub", "objects"}) {
      stdfs::create_directories(root_ / dir);
    }
    options_.lowerdirs = {Path("l1"), Path("l2")};
    options_.upperdir = Path("up");
    options_.workdir = Path("work");
    options_.mount_point = Path("mnt");
  }
  ~MountPathsTest() override { stdfs::remove_all(root_); }

  std::string Path(const std::string& name) const { return root_ / name; }
  std::string ErrorOf() const {
    const Result<MountPaths> paths = ResolveMountPaths(options_);
    EXPECT_FALSE(paths.has_value());
    if (paths) return "";
    EXPECT_EQ(paths.error().message().find('\n'), std::string::npos);
    return paths.error().message();
  }
  void ExpectRefused(const std::string& first, const std::string& second) const {
    const std::string message = ErrorOf();
    EXPECT_NE(message.find(first), std::string::npos) << message;
    EXPECT_NE(message.find(second), std::string::npos) << message;
  }

  stdfs::path root_;
  MountOptions options_;
};

TEST_F(MountPathsTest, ResolvesSymlinksDotsAndRelativePaths) {
  stdfs::create_directory_symlink("../l1", root_ / "objects/short");
  const stdfs::path old = stdfs::current_path();
  stdfs::current_path(root_);
  options_.lowerdirs = {"objects/short", "l1/../l2"};
  options_.mount_point = "mnt";
  const Result<MountPaths> paths = ResolveMountPaths(options_);
  stdfs::current_path(old);
  ASSERT_TRUE(paths.has_value()) << paths.error().message();
  EXPECT_EQ(paths->lowers, (std::vector<std::string>{Path("l1"), Path("l2")}));
  EXPECT_EQ(paths->upper, Path("up"));
  EXPECT_EQ(paths->work, Path("work"));
  EXPECT_EQ(paths->mount_point, Path("mnt"));
  EXPECT_EQ(paths->device_fd, -1);
}

TEST_F(MountPathsTest, NamesWhatIsMissing) {
  options_.lowerdirs.push_back(Path("nowhere"));
  ExpectRefused("lowerdir=", "nowhere: No such file or directory");
  options_.lowerdirs.pop_back();
  options_.mount_point = Path("nomount");
  ExpectRefused("mount point", "nomount: No such file or directory");
}

TEST_F(MountPathsTest, NamesWhatIsNoDirectory) {
  std::ofstream(Path("file")) << "x";
  options_.upperdir = Path("file");
  ExpectRefused("upperdir=", "Not a directory");
  options_.upperdir = Path("up");
  options_.mount_point = Path("file");
  ExpectRefused("mount point", "Not a directory");
}

TEST_F(MountPathsTest, AFileAsLayerNeedsTheObjectsDirectory) {
  std::ofstream(Path("index")) << "x";
  options_.lowerdirs = {Path("index")};
  ExpectRefused("lowerdir=", "objects=");
  options_.objects = Path("objects");
  const Result<MountPaths> paths = ResolveMountPaths(options_);
  ASSERT_TRUE(paths.has_value()) << paths.error().message();
  EXPECT_EQ(paths->objects, Path("objects"));
}

TEST_F(MountPathsTest, RefusesAMountPointInsideALayerAndTheOtherWayRound) {
  options_.mount_point = Path("l1/sub");
  ExpectRefused("mount point", "is inside lowerdir=");
  options_.mount_point = Path("mnt");
  options_.lowerdirs = {Path("mnt/sub")};
  ExpectRefused("lowerdir=", "is inside mount point");
  options_.lowerdirs = {Path("l1")};
  options_.mount_point = Path("up");
  ExpectRefused("mount point", "is the same as upperdir=");
  options_.mount_point = root_;
  ExpectRefused("lowerdir=", "is inside mount point");
}

TEST_F(MountPathsTest, SymlinksDoNotHideAnOverlap) {
  stdfs::create_directory_symlink(root_ / "l1", root_ / "alias");
  options_.mount_point = Path("alias/sub");
  ExpectRefused("mount point", "is inside lowerdir=");
}

TEST_F(MountPathsTest, RefusesUpperAndWorkInsideEachOtherOrInALayer) {
  stdfs::create_directory(root_ / "up/w");
  options_.workdir = Path("up/w");
  ExpectRefused("workdir=", "is inside upperdir=");
  options_.workdir = Path("up");
  ExpectRefused("upperdir=", "is the same as workdir=");
  options_.workdir = Path("work");
  options_.upperdir = Path("l1/sub");
  ExpectRefused("upperdir=", "is inside lowerdir=");
  options_.upperdir = Path("up");
  options_.lowerdirs = {Path("up/w")};
  ExpectRefused("lowerdir=", "is inside upperdir=");
  options_.lowerdirs = {Path("work")};
  ExpectRefused("workdir=", "is the same as lowerdir=");
}

TEST_F(MountPathsTest, NamesThatBeginAlikeDoNotOverlap) {
  stdfs::create_directories(root_ / "l1more");
  options_.mount_point = Path("l1more");
  EXPECT_TRUE(ResolveMountPaths(options_).has_value());
}

TEST_F(MountPathsTest, AConnectionFromTheParentIsTakenAsItIs) {
  options_.mount_point = "/dev/fd/0";
  const Result<MountPaths> paths = ResolveMountPaths(options_);
  ASSERT_TRUE(paths.has_value());
  EXPECT_EQ(paths->device_fd, 0);
  options_.mount_point = "/dev/fd/987654";
  ExpectRefused("/dev/fd/987654", "Bad file descriptor");
}

}  // namespace
}  // namespace veneer
