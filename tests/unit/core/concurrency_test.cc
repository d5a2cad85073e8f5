// SPDX-License-Identifier: Apache-2.0
//
// Requests that meet. Some of these show their fault under the thread sanitizer alone (the preset
// tsan).
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>
#include <utility>

#include "tests/support/sync_point.h"
#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

using std::chrono::milliseconds;

class Concurrency : public UnionFsTest {
 protected:
  // A file of a layer with the names x/f and y/g, of which `copied` are in the upper, without its
  // contents. The kernel knows neither.
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

  // Looks x/f up, and y/g while the first lookup stands in NodeTable::FindOrCreate, or before it.
  void ExpectOneNode() {
    const NodeId x = Node("x");
    const NodeId y = Node("y");
    SyncPoint point;
    std::atomic<bool> first{true};
    before_lookup_ = [&](std::string_view) {
      if (first.exchange(false)) point.Reach();
    };
    Entry slow;
    std::thread other([&] { slow = fs_->Lookup(x, "f").value_or(Entry{}); });
    point.Await();
    Entry quick;
    std::thread meeting([&] { quick = fs_->Lookup(y, "g").value_or(Entry{}); });
    std::this_thread::sleep_for(milliseconds(10));  // it may have to wait for the other
    point.Release();
    other.join();
    meeting.join();
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

// The lock of contents that are copied up (BusyNodes::Work::kCopyData) is held by nobody else, and
// no other lock is held with it: while a copy stands still, everything goes on but who needs those
// contents.
TEST_F(Concurrency, ALongCopyUpDelaysNeitherRenameNorReading) {
  const std::string contents(1 << 20, 'x');
  File("a/large", contents);
  File("a/small", "s");
  static SyncPoint* copying = nullptr;  // the hook is a plain function
  SyncPoint point;
  copying = &point;
  union_options_.before_blocking = [] {
    if (copying != nullptr) std::exchange(copying, nullptr)->Reach();
  };
  Mount({"a"});
  const NodeId large = Node("large");
  Sys<size_t> written = Fail(EIO);
  std::thread writer([&] { written = fs_->Write(large, 0, "y", false); });
  point.Await();
  EXPECT_TRUE(Rename("small", "moved"));
  EXPECT_TRUE(Rename("large", "renamed"));
  EXPECT_TRUE(fs_->SetAttr(large, AttrChange{.mode = 0600}));
  EXPECT_EQ(ReadNode(large), contents);
  point.Release();
  writer.join();
  EXPECT_EQ(written.value_or(0), 1u);
  EXPECT_EQ(ReadAll("renamed"), "y" + contents.substr(1));
}

}  // namespace
}  // namespace veneer
