// SPDX-License-Identifier: Apache-2.0
//
// Changes of an upper directory when a system call fails, or the daemon is killed, in the midst.
#include "tests/support/fault/faults.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fs/upper/upper.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

namespace stdfs = std::filesystem;

class UpperFaults : public testing::Test {
 protected:
  ~UpperFaults() override { stdfs::remove_all(base_); }

  // An upper directory with nothing in it but a file "old".
  void NewUpper() {
    const std::string round = std::to_string(round_++);
    options_.upperdir = base_ / ("u" + round);
    options_.workdir = base_ / ("w" + round);
    stdfs::create_directory(options_.upperdir);
    stdfs::create_directory(options_.workdir);
    std::ofstream(Path("old")) << "old";
  }
  stdfs::path Path(const std::string& name) const { return stdfs::path(options_.upperdir) / name; }
  std::string Text(const std::string& name) const {
    std::ifstream in(Path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Of either kind: a device, or a file with a mark.
  bool IsWhiteout(const std::string& name) const {
    const auto upper = Upper::Open(options_);
    if (!upper) return false;
    const auto object = (*upper)->Read({(*upper)->root().get(), name.c_str()}, "");
    return object && object->whiteout;
  }
  // What is in the work directory of an upper that was opened again, by whatever process.
  void VerifyThatNothingTemporaryIsLeft() const {
    const auto upper = Upper::Open(options_);
    ASSERT_TRUE(upper) << upper.error().message();
    EXPECT_TRUE(stdfs::is_empty(stdfs::path(options_.workdir) / "work"));
  }

  // A file with its contents and attributes, as a copy-up makes it.
  bool MakeFile() const {
    const auto upper = Upper::Open(options_);
    if (!upper) return false;
    const sys::At place{(*upper)->root().get(), "file"};
    if (sys::Stat(place)) return true;
    NewObject object;
    object.mode = 0640;
    object.uid = ::geteuid();
    object.gid = ::getegid();
    object.data_bytes = "contents";
    object.data_size = object.size = 8;
    object.mtime = object.atime = Timestamp{1000, 5};
    object.xattrs = {{"user.name", "value"}};
    auto staged = (*upper)->Stage(object);
    return staged && (*upper)->Publish(*staged, place, false);
  }
  bool RemoveOld() const {
    const auto upper = Upper::Open(options_);
    return upper && (*upper)->Whiteout({(*upper)->root().get(), "old"}, Upper::Occupied::kFile);
  }

  const stdfs::path base_ = MakeTempDir("upper");
  UpperOptions options_;
  int round_ = 0;
};

TEST_F(UpperFaults, AFileAppearsWithAllItCarriesOrNotAtAll) {
  const FaultCase test = {[&] { NewUpper(); }, [&] { return MakeFile(); },
                          [&](bool done) {
                            VerifyThatNothingTemporaryIsLeft();
                            struct stat st;
                            const bool there = ::lstat(Path("file").c_str(), &st) == 0;
                            EXPECT_TRUE(there || !done);
                            if (!there) return;
                            EXPECT_EQ(Text("file"), "contents");
                            EXPECT_EQ(st.st_mode & 07777U, 0640U);
                            EXPECT_EQ(st.st_mtim.tv_sec, 1000);
                          }};
  FailEachCall(test);
  KillAtEachCall(test);
}

TEST_F(UpperFaults, AFileIsThereOrAWhiteoutInItsPlace) {
  const FaultCase test = {[&] { NewUpper(); }, [&] { return RemoveOld(); },
                          [&](bool done) {
                            VerifyThatNothingTemporaryIsLeft();
                            EXPECT_TRUE(IsWhiteout("old") || (!done && Text("old") == "old"));
                          }};
  FailEachCall(test);
  KillAtEachCall(test);
}

}  // namespace
}  // namespace veneer
