// SPDX-License-Identifier: Apache-2.0
//
// How many descriptors the daemon holds: what is gone is closed, and an open file that was deleted
// takes one.
#include <dirent.h>

#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

class Descriptors : public UnionFsTest {
 protected:
  static int Open() {
    int count = 0;
    DIR* const dir = ::opendir("/proc/self/fd");
    while (::readdir(dir) != nullptr) ++count;
    ::closedir(dir);
    return count;
  }
};

TEST_F(Descriptors, ThoseOfRemovedDirectoriesAreClosed) {
  Dir("a/low");
  for (int i = 0; i < 100; ++i) Dir("a/low/d" + std::to_string(i));
  Mount({"a"});
  ASSERT_TRUE(Mkdir("up"));
  // What the layer keeps of its own, which stays as it is, is bounded.
  for (int i = 0; i < 100; ++i) List("low/d" + std::to_string(i));
  const int before = Open();
  for (const std::string parent : {"up", "low"}) {
    for (int i = 0; i < 100; ++i) {
      const std::string dir = parent + "/d" + std::to_string(i);
      if (parent == "up") {
        ASSERT_TRUE(Mkdir(dir));
      }
      ASSERT_TRUE(Create(dir + "/f", "text"));
      const NodeId file = Node(dir + "/f");
      const NodeId node = Node(dir);
      ASSERT_TRUE(Unlink(dir + "/f"));
      ASSERT_TRUE(Rmdir(dir));
      fs_->Forget(file, 100);
      fs_->Forget(node, 100);
    }
  }
  EXPECT_LT(Open(), before + 50);
}

// A name of a file that is still known keeps the node of its directory, which the kernel has
// forgotten.
TEST_F(Descriptors, ThoseOfADirectoryThatLivesOnInANameAreClosedWithIt) {
  Dir("a/keep");
  Mount({"a"});
  ASSERT_TRUE(Create("keep/f", "text"));
  const int before = Open();
  for (int i = 0; i < 100; ++i) {
    const std::string dir = "d" + std::to_string(i);
    ASSERT_TRUE(Mkdir(dir));
    const NodeId node = Node(dir);
    ASSERT_TRUE(Link("keep/f", dir + "/g"));
    fs_->Forget(node, 100);
    ASSERT_TRUE(fs_->SetAttr(Node(dir + "/g"), AttrChange{.mode = 0600}));
    ASSERT_TRUE(Unlink(dir + "/g"));
    const NodeId again = Node(dir);
    ASSERT_TRUE(Rmdir(dir));
    fs_->Forget(again, 100);
  }
  EXPECT_LT(Open(), before + 30);
}

TEST_F(Descriptors, AnOpenFileThatWasDeletedTakesOne) {
  for (int i = 0; i < 100; ++i) File("a/low" + std::to_string(i), "lower");
  Mount({"a"});
  std::vector<NodeId> nodes;
  const int before = Open();
  for (int i = 0; i < 100; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_TRUE(Create("new" + number, "text"));
    ASSERT_TRUE(Write("low" + number, 0, "upper"));
    for (const std::string& name : {"new" + number, "low" + number}) {
      nodes.push_back(Node(name));
      ASSERT_TRUE(Unlink(name));
    }
    const auto nameless = fs_->MakeTmpFile(kRootNode, 0600, caller_);
    ASSERT_TRUE(nameless.has_value());
    nodes.push_back(nameless->node);
  }
  EXPECT_LT(Open(), before + 320);
  for (const NodeId node : nodes) {
    ASSERT_TRUE(ReadNode(node).has_value());
    ASSERT_TRUE(fs_->Write(node, 0, "X", false));
    ASSERT_TRUE(fs_->SetAttr(node, AttrChange{.mode = 0400}));
    ASSERT_EQ(ReadNode(node)->substr(0, 1), "X");
  }
  EXPECT_LT(Open(), before + 320);
  for (const NodeId node : nodes) fs_->Forget(node, 100);
  EXPECT_LT(Open(), before + 20);
}

}  // namespace
}  // namespace veneer
