// SPDX-License-Identifier: Apache-2.0
//
// Requests that meet. Some of these show their fault under the thread sanitizer alone (the preset tsan).
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <latch>
#include <thread>

#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

using std::chrono::milliseconds;

class Concurrency : public UnionFsTest {
 protected:
  // A file of a layer with the names x/f and y/g, of which `copied` are in the upper, without its contents. The kernel
  // knows neither.
  void MakePair(const std::vector<std::string>& copied) {
    File("a/x/f", std::string(1 << 20, 'x'));
    Dir("a/y");
    ASSERT_EQ(::link((base_ / "a/x/f").c_str(), (base_ / "a/y/g").c_str()), 0);
    Mount({"a"});
    for (const std::string& name : copied) {
      ASSERT_TRUE(fs_->SetAttr(Node(name), AttrChange{.mode = 0600}));
    }
    Remount();
  }

  // Looks x/f up, and y/g while that takes long.
  void ExpectOneNode() {
    const NodeId x = Node("x");
    const NodeId y = Node("y");
    std::latch begun(1);
    std::atomic<bool> first{true};
    before_lookup_ = [&](std::string_view) {
      if (!first.exchange(false)) return;
      begun.count_down();
      std::this_thread::sleep_for(milliseconds(30));
    };
    Entry slow;
    std::thread other([&] { slow = fs_->Lookup(x, "f").value_or(Entry{}); });
    begun.wait();
    const Entry quick = fs_->Lookup(y, "g").value_or(Entry{});
    other.join();
    EXPECT_NE(slow.node, kNoNode);
    EXPECT_EQ(slow.node, quick.node);
    EXPECT_EQ(slow.attr.ino, quick.attr.ino);
  }
};

TEST_F(Concurrency, TwoNamesOfOneFileThatAreLookedUpAtOnceAreOneNode) {
  MakePair({"x/f", "y/g"});
  ExpectOneNode();
}

TEST_F(Concurrency, ANameInTheUpperAndOneBelowThatAreLookedUpAtOnceAreOneNode) {
  MakePair({"x/f"});
  ExpectOneNode();
}

TEST_F(Concurrency, TwoNamesBelowThatAreLookedUpAtOnceAreOneNode) {
  MakePair({});
  const NodeId dirs[2] = {Node("x"), Node("y")};
  const std::string names[2] = {"f", "g"};
  Entry found[2];
  std::barrier meet(2);
  const auto look = [&](int self) {
    for (int round = 0; round < 200; ++round) {
      meet.arrive_and_wait();
      found[self] = fs_->Lookup(dirs[self], names[self]).value_or(Entry{});
      meet.arrive_and_wait();
      EXPECT_EQ(found[0].node, found[1].node);
      meet.arrive_and_wait();
      fs_->Forget(found[self].node, 1);
    }
  };
  std::thread other(look, 1);
  look(0);
  other.join();
}

TEST_F(Concurrency, ADirectoryIsListedWhileItIsRemoved) {
  Dir("a/d");
  Mount({"a"});
  for (int round = 0; round < 200; ++round) {
    const std::string path = "d/n" + std::to_string(round);
    ASSERT_TRUE(Mkdir(path));
    const NodeId node = Node(path);
    std::barrier meet(2);
    std::thread remover([&] {
      meet.arrive_and_wait();
      EXPECT_TRUE(Rmdir(path));
    });
    meet.arrive_and_wait();
    for (int i = 0; i < 20; ++i) {
      IgnoreError(fs_->ReadDir(node, 0, [](const DirEntry&) { return true; }),
                  "a directory that has gone has no entries");
    }
    remover.join();
  }
}

// As the write-back of a mapping does.
TEST_F(Concurrency, ALowerFileIsWrittenWhileItIsUnlinked) {
  for (int i = 0; i < 100; ++i) File("a/d/f" + std::to_string(i), "lower");
  Mount({"a"});
  for (int i = 0; i < 100; ++i) {
    const std::string path = "d/f" + std::to_string(i);
    const NodeId node = Node(path);
    std::barrier meet(2);
    std::thread writer([&] {
      meet.arrive_and_wait();
      EXPECT_TRUE(fs_->Write(node, 0, "UPPER", false));
    });
    meet.arrive_and_wait();
    EXPECT_TRUE(Unlink(path));
    writer.join();
    EXPECT_EQ(ReadNode(node), "UPPER");
    EXPECT_FALSE(Exists(path));
  }
}

}  // namespace
}  // namespace veneer
