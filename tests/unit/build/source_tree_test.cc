// SPDX-License-Identifier: Apache-2.0
#include "tools/build/source_tree.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "layerdb/base/hash.h"
#include "tests/unit/build/source_fixture.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class LocateInTest : public SourceFixture {
 protected:
  // The path after all symlinks; "(nothing)" where nothing is there.
  static std::string PathOf(const SourceTree& tree, const std::string& path,
                            LastLink last = LastLink::kFollow) {
    const auto found = LocateIn(tree.layer(), path, last);
    if (!found) return found.error().message();
    return *found ? (*found)->path : "(nothing)";
  }
};

TEST_F(LocateInTest, ASymlinkEndsAtTheRootOfTheTreeWhateverItSays) {
  fs::create_directories(From("a/b"));
  Write(From("etc"), "ours");
  fs::create_symlink("/etc", From("a/absolute"));
  fs::create_symlink("../../../../../../etc", From("a/b/up"));
  fs::create_symlink("../..", From("a/b/out"));
  const auto tree = OpenFrom();
  EXPECT_EQ(PathOf(*tree, "a/absolute"), "etc");
  EXPECT_EQ(PathOf(*tree, "a/b/up"), "etc");
  EXPECT_EQ(PathOf(*tree, "a/b/out/../../etc"), "etc");
  EXPECT_EQ(PathOf(*tree, "../../etc"), "etc");
  EXPECT_EQ(PathOf(*tree, "/"), "");
}

TEST_F(LocateInTest, TheLastSymlinkIsKeptWhereThatIsAsked) {
  fs::create_symlink("nowhere", From("link"));
  const auto tree = OpenFrom();
  EXPECT_EQ(PathOf(*tree, "link"), "(nothing)");
  EXPECT_EQ(PathOf(*tree, "link", LastLink::kKeep), "link");
}

TEST_F(LocateInTest, ALoopOfSymlinksIsAnError) {
  fs::create_symlink("two", From("one"));
  fs::create_symlink("one", From("two"));
  EXPECT_THAT(PathOf(*OpenFrom(), "one/x"), testing::HasSubstr("symbolic links"));
}

TEST_F(LocateInTest, NothingIsBelowAFile) {
  Write(From("file"), "text");
  EXPECT_EQ(PathOf(*OpenFrom(), "file/x"), "(nothing)");
  // A slash behind a file does no harm (E21 of Docker's builders).
  EXPECT_EQ(PathOf(*OpenFrom(), "file/"), "file");
}

class SourceTreeTest : public SourceFixture {};

TEST_F(SourceTreeTest, ADirectoryOfTheHostHasNoWhiteouts) {
  Write(From(".wh.file"), "a file");
  Write(From("file"), "another");
  const auto tree = OpenFrom();
  const auto found = LocateIn(tree->layer(), ".wh.file", LastLink::kKeep);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->object.attr.size, 6U);
}

TEST_F(SourceTreeTest, TheKeyOfContentsIsThatOfTheirBytes) {
  Write(From("one"), "same");
  Write(From("two"), "same", 0600);
  Write(From("three"), "other");
  const auto tree = OpenFrom();
  const auto key = [&](const std::string& name) {
    const auto found = LocateIn(tree->layer(), name, LastLink::kKeep);
    EXPECT_TRUE(found && *found);
    return tree
        ->ContentKey(SourceEntry{name, (*found)->object.attr, {}}, (*found)->object.ref, nullptr)
        .value();
  };
  EXPECT_EQ(key("one"), "sha256:" + Sha256Hex("same"));
  EXPECT_EQ(key("one"), key("two"));
  EXPECT_NE(key("one"), key("three"));
}

TEST_F(SourceTreeTest, HashingOneLargeFileEndsWhenItIsAskedTo) {
  Write(From("large"), "");
  ASSERT_EQ(::truncate(From("large").c_str(), off_t{1} << 42), 0);
  const auto tree = OpenFrom();
  const auto found = LocateIn(tree->layer(), "large", LastLink::kKeep);
  ASSERT_TRUE(found && *found);
  Cancellation cancel;
  std::thread soon([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cancel.Request();
  });
  const LayerObject files[] = {(*found)->object};
  const Result<void> hashed = tree->HashContents(files, &cancel);
  soon.join();
  ASSERT_FALSE(hashed);
  EXPECT_EQ(hashed.error().code(), ECANCELED);
  const auto key = tree->ContentKey(SourceEntry{"large", files[0].attr, {}}, files[0].ref, &cancel);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code(), ECANCELED);
}

}  // namespace
}  // namespace veneer
