// SPDX-License-Identifier: Apache-2.0
//
// Requests when a system call fails in the midst. The fixture compares the lower directories with
// before.
#include "tests/support/fault/faults.h"

#include <filesystem>

#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

class CoreFaults : public UnionFsTest {
 protected:
  // The same layer under an empty upper.
  void NewMount() {
    if (fs_) Unmount();
    std::filesystem::remove_all(base_ / "u");
    std::filesystem::remove_all(base_ / "w");
    Mount({"a"});
  }
  // An earlier try has done it.
  bool IsGone(const std::string& path) { return Code(Find(path)) == ENOENT; }
};

TEST_F(CoreFaults, AWriteIsDoneOrTheFileStays) {
  File("a/dir/file", "lower");
  FailEachCall({[&] { NewMount(); }, [&] { return Code(Write("dir/file", 0, "U")) == 0; },
                [&](bool done) {
                  for (int mounts = 0; mounts < 2; ++mounts) {
                    const Sys<std::string> text = ReadAll("dir/file");
                    EXPECT_TRUE(text == "Uower" || (!done && text == "lower"))
                        << text.value_or("?");
                    Remount();
                  }
                }});
}

TEST_F(CoreFaults, ARenameIsDoneOrNothingIs) {
  File("a/dir/file", "lower");
  FailEachCall({[&] { NewMount(); },
                [&] { return IsGone("dir") || Code(Rename("dir", "moved")) == 0; },
                [&](bool done) {
                  for (int mounts = 0; mounts < 2; ++mounts) {
                    EXPECT_NE(Exists("dir"), Exists("moved"));
                    EXPECT_TRUE(Exists("moved") || !done);
                    EXPECT_EQ(ReadAll(Exists("moved") ? "moved/file" : "dir/file"), "lower");
                    Remount();
                  }
                }});
}

TEST_F(CoreFaults, AnUnlinkIsDoneOrTheFileStays) {
  File("a/file", "lower");
  FailEachCall({[&] { NewMount(); }, [&] { return IsGone("file") || Code(Unlink("file")) == 0; },
                [&](bool done) {
                  for (int mounts = 0; mounts < 2; ++mounts) {
                    EXPECT_TRUE(!Exists("file") || (!done && ReadAll("file") == "lower"));
                    Remount();
                  }
                }});
}

}  // namespace
}  // namespace veneer
