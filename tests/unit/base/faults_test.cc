// SPDX-License-Identifier: Apache-2.0
//
// Files when a system call fails, or the process is killed, in the midst.
#include "tests/support/fault/faults.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

class BaseFaults : public testing::Test {
 protected:
  ~BaseFaults() override { std::filesystem::remove_all(dir_); }

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(Path(name), std::ios::trunc) << bytes;
  }
  std::string Read(const std::string& name) {
    std::ifstream in(Path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const std::string dir_ = MakeTempDir("faults");
};

Sys<void> Replace(const std::string& staged, const std::string& target, const std::string& bytes) {
  VENEER_TRY(const Fd fd, sys::Open(sys::Path(staged), O_WRONLY | O_CREAT | O_TRUNC, 0644));
  VENEER_TRY_VOID(sys::WriteAt(fd.get(), bytes, 0));
  VENEER_TRY_VOID(sys::Sync(fd.get(), true));
  return ReplaceByFile(staged, target);
}

TEST_F(BaseFaults, AFileIsReplacedAsAWholeOrNotAtAll) {
  const FaultCase replace = {
      [&] { Write("target", "old"); },
      [&] { return Replace(Path("staged"), Path("target"), "the new one").has_value(); },
      [&](bool done) {
        const std::string now = Read("target");
        EXPECT_TRUE(now == "the new one" || (!done && now == "old")) << now;
      }};
  FailEachCall(replace);
  KillAtEachCall(replace);
}

TEST_F(BaseFaults, ACopyIsWholeOrFails) {
  const std::string bytes = std::string(20'000, 'a') + std::string(100'000, '\0') + "z";
  Write("from", bytes);
  FailEachCall({[&] { std::filesystem::remove(Path("to")); },
                [&] {
                  const Sys<Fd> from = sys::Open(sys::Path(Path("from")), O_RDONLY);
                  const Sys<Fd> to =
                      sys::Open(sys::Path(Path("to")), O_RDWR | O_CREAT | O_TRUNC, 0644);
                  return from && to && sys::CopyData(from->get(), to->get(), bytes.size());
                },
                [&](bool done) { EXPECT_TRUE(!done || Read("to") == bytes); }});
}

TEST_F(BaseFaults, ATreeIsRemovedOrSomethingIsSaid) {
  FailEachCall({[&] {
                  std::filesystem::create_directories(Path("tree/a/b"));
                  Write("tree/file", "x");
                  Write("tree/a/b/file", "y");
                },
                [&] {
                  const auto removed = RemoveTree(Path("tree"));
                  return removed || removed.error().code == ENOENT;
                },
                [&](bool done) { EXPECT_FALSE(done && std::filesystem::exists(Path("tree"))); }});
}

}  // namespace
}  // namespace veneer
