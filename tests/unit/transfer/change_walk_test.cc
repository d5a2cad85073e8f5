// SPDX-License-Identifier: Apache-2.0
//
// What a running session has made to mount on is no change of its container, and what else happens
// beside it is one.
#include "layerdb/transfer/change_walk.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>

#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

namespace fs = std::filesystem;

constexpr Timestamp kOfImage{0, 0};

class ChangeWalkTest : public TransferTest {
 protected:
  void SetUp() override {
    const Digest base =
        ImportBytes(TarDir("./") + TarDir("etc") + TarFile("etc/passwd", "root") + TarEnd())
            .diff_id;
    const Result<std::string> tree = store().EnsureTree(std::vector<Digest>{base});
    ASSERT_TRUE(tree);
    tree_ = *tree;
    fs::create_directories(Path("upper/etc"));
    ::chmod(Path("upper").c_str(), 0755);
    ::chmod(Path("upper/etc").c_str(), 0755);
    SetMtime("etc", kOfImage);
    SetMtime("", kOfImage);
  }

  void SetMtime(const std::string& path, Timestamp mtime) {
    const struct timespec times[2] = {{0, UTIME_OMIT}, {mtime.sec, mtime.nsec}};
    ASSERT_EQ(::utimensat(AT_FDCWD, Path("upper/" + path).c_str(), times, 0), 0);
  }
  Timestamp Mtime(const std::string& path) {
    struct stat st = {};
    ::stat(Path("upper/" + path).c_str(), &st);
    return {st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)};
  }
  // Makes a stub as a session does, at a time of its own.
  void MakeStub(const std::string& path, bool directory) {
    const std::string parent = ParentPath({"/" + path, directory, {}});
    Stub stub{"/" + path, directory, Mtime(parent)};
    record_ += FormatStub(stub);
    if (directory) {
      fs::create_directory(Path("upper/" + path));
    } else {
      Write("upper/" + path, "");
    }
    SetMtime(parent, {++clock_, 7});
    stub.after = Mtime(parent);
    record_ += FormatStub(stub);
  }

  // The paths that are told of, with the times of modification of the directories.
  std::map<std::string, int64_t> Changes() {
    std::map<std::string, int64_t> changes;
    Write("record", record_);
    const auto walk =
        ChangeWalk::Open(Path("upper"), Path("work"), tree_, store().layout().objects(),
                         {.stubs = Path("record"), .foreign_root = {}});
    EXPECT_TRUE(walk) << walk.error().message();
    const Result<void> done = (*walk)->Run([&](const Change& change) -> Result<void> {
      const bool directory = !change.deleted && change.attr.type == FileType::kDirectory;
      changes["/" + change.path] = directory ? change.attr.mtime.sec : 0;
      return {};
    });
    EXPECT_TRUE(done) << done.error().message();
    return changes;
  }

  std::string tree_;
  std::string record_;
  int64_t clock_ = 1000;
};

TEST_F(ChangeWalkTest, StubsAreNoChangeAndNorIsTheTimeThatTheyGiveTheirDirectories) {
  MakeStub("dev", true);
  MakeStub("etc/hosts", false);
  MakeStub("etc/resolv.conf", false);
  MakeStub("mnt", true);
  MakeStub("mnt/deep", true);
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(ChangeWalkTest, WhatChangedOtherwiseKeepsItsTime) {
  MakeStub("etc/hosts", false);
  MakeStub("dev", true);
  SetMtime("", {1234, 0});
  MakeStub("sys", true);
  EXPECT_THAT(Changes(), ElementsAre(Pair("/", 1234)));
  SetMtime("", {2345, 0});
  SetMtime("etc", {3456, 0});
  EXPECT_THAT(Changes(), ElementsAre(Pair("/", 2345), Pair("/etc", 3456)));
}

TEST_F(ChangeWalkTest, AStubThatWasFilledIsAChangeOfTheTimeAtWhichItWasMade) {
  MakeStub("dev", true);
  MakeStub("srv", true);
  const int64_t made = clock_;
  MakeStub("sys", true);
  Write("upper/srv/file", "x");
  SetMtime("srv", {4567, 0});
  EXPECT_THAT(Changes(), ElementsAre(Pair("/", made), Pair("/srv", 4567), Pair("/srv/file", 0)));
}

TEST_F(ChangeWalkTest, AStubOverSomethingDeletedLeavesItDeleted) {
  MakeStub("etc/passwd", false);
  EXPECT_THAT(Changes(), ElementsAre(Pair("/", 0), Pair("/etc", 0), Pair("/etc/passwd", 0)));
  Write("upper/etc/passwd", "x");
  EXPECT_THAT(Changes(), ElementsAre(Pair("/", 0), Pair("/etc", clock_), Pair("/etc/passwd", 0)));
}

TEST_F(ChangeWalkTest, WhatTheImageHasBelowTheWritableLayerIsKnown) {
  Write("record", "");
  fs::create_directory(Path("upper/var"));
  const auto walk = ChangeWalk::Open(Path("upper"), "", tree_, store().layout().objects());
  ASSERT_TRUE(walk);
  for (const char* path : {"etc", "etc/passwd"})
    EXPECT_EQ((*walk)->IsInImage(path).value_or(false), true) << path;
  for (const char* path : {"var", "var/x", "etc/hosts", "etc/passwd/x"}) {
    EXPECT_EQ((*walk)->IsInImage(path).value_or(true), false) << path;
  }
  ASSERT_EQ(::mknod(Path("upper/gone").c_str(), S_IFCHR, 0), 0);
  fs::remove(Path("upper/etc"));
  fs::rename(Path("upper/gone"), Path("upper/etc"));
  EXPECT_EQ((*walk)->IsInImage("etc").value_or(false), true);
  EXPECT_EQ((*walk)->IsInImage("etc/passwd").value_or(true), false);
}

TEST_F(ChangeWalkTest, AStubThatIsGoneAlreadyCountsAsTakenAway) {
  MakeStub("dev", true);
  const Timestamp mtime = Mtime("");
  fs::remove(Path("upper/dev"));
  SetMtime("", mtime);  // by the session that ends just now
  EXPECT_THAT(Changes(), IsEmpty());
}

}  // namespace
}  // namespace veneer
