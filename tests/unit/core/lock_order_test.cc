// SPDX-License-Identifier: Apache-2.0
//
// Who waits for whom: a test for the locks of UnionFs in the list of CONTRIBUTING.md. A thread
// stands still while it holds one, and others want what it guards, or something else. (The lock of
// a copy-up's contents and that of a file with several names have their tests in
// concurrency_test.cc, OpenFiles in open_files_test.cc.)
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/support/fault/faults.h"
#include "tests/support/sync_point.h"
#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

// Something that another thread does, and may have to wait for.
class Elsewhere {
 public:
  explicit Elsewhere(std::function<void()> act)
      : thread_([this, act = std::move(act)] {
          act();
          done_ = true;
        }) {}
  ~Elsewhere() { thread_.join(); }
  // Looks a moment later.
  bool Waits() const {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    return !done_;
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

class LockOrder : public UnionFsTest {
 protected:
  // Lets the first lookup of this name in the lower tree stand at `point`: its thread holds the
  // names shared, and the table of the directory.
  void StopLookupOf(std::string_view name, SyncPoint& point) {
    before_lookup_ = [this, name, &point](std::string_view looked_up) {
      if (looked_up == name && !stopped_.exchange(true)) point.Reach();
    };
  }

 private:
  std::atomic<bool> stopped_{false};
};

TEST_F(LockOrder, ARenameWaitsForARequestThatGoesByNames) {
  File("a/d/f", "f");
  File("a/d/other", "o");
  File("a/x", "x");
  Mount({"a"});
  const NodeId d = Node("d");
  SyncPoint point;
  StopLookupOf("f", point);
  {
    const Elsewhere lookup([&] { EXPECT_NE(fs_->Lookup(d, "f").value_or(Entry{}).node, kNoNode); });
    point.Await();
    const Elsewhere rename([&] { EXPECT_TRUE(Rename("x", "y")); });
    EXPECT_TRUE(rename.Waits());
    point.Release();
  }
  EXPECT_EQ(ReadAll("y"), "x");
}

TEST_F(LockOrder, TheTableOfADirectoryIsWantedByThoseOfThatDirectoryAlone) {
  File("a/d/f", "f");
  File("a/d/other", "o");
  File("a/e/x", "x");
  Mount({"a"});
  const NodeId d = Node("d");
  const NodeId e = Node("e");
  SyncPoint point;
  StopLookupOf("f", point);
  {
    const Elsewhere first([&] { EXPECT_NE(fs_->Lookup(d, "f").value_or(Entry{}).node, kNoNode); });
    point.Await();
    const Elsewhere second(
        [&] { EXPECT_NE(fs_->Lookup(d, "other").value_or(Entry{}).node, kNoNode); });
    EXPECT_TRUE(second.Waits());
    EXPECT_NE(fs_->Lookup(e, "x").value_or(Entry{}).node, kNoNode);
    point.Release();
  }
}

TEST_F(LockOrder, AttributesAreCopiedUpOnceAndOtherNodesGoOn) {
  File("a/f", "f");
  File("a/g", "g");
  Mount({"a"});
  const NodeId f = Node("f");
  const NodeId g = Node("g");
  SyncPoint point;
  const CallHook hook("utimensat", [&] { point.Reach(); });  // of the copy
  {
    const Elsewhere first([&] { EXPECT_TRUE(fs_->SetAttr(f, AttrChange{.mode = 0600})); });
    point.Await();
    const Elsewhere second([&] { EXPECT_TRUE(fs_->SetAttr(f, AttrChange{.size = 0})); });
    EXPECT_TRUE(second.Waits());
    EXPECT_TRUE(fs_->SetAttr(g, AttrChange{.mode = 0640}));
    point.Release();
  }
  EXPECT_EQ(Stat("f").mode, 0600u);
  EXPECT_EQ(ReadAll("f"), "");
  EXPECT_EQ(Stat("g").mode, 0640u);
}

TEST_F(LockOrder, WhereContentsAreChangesWhenNobodyIsOpeningThem) {
  File("a/f", "lower");
  File("a/g", "g");
  Mount({"a"});
  const NodeId f = Node("f");
  const NodeId g = Node("g");
  SyncPoint point;
  const CallHook hook("openat64", [&] { point.Reach(); });  // of the file of the layer
  Sys<std::string> read = Fail(EIO);
  {
    const Elsewhere reader([&] { read = ReadNode(f); });
    point.Await();
    const Elsewhere writer([&] { EXPECT_TRUE(fs_->Write(f, 0, "U", false)); });
    EXPECT_TRUE(writer.Waits());
    EXPECT_TRUE(fs_->Write(g, 0, "G", false));
    point.Release();
  }
  EXPECT_TRUE(read == "lower" || read == "Uower") << read.value_or("?");
  EXPECT_EQ(ReadNode(f), "Uower");
  EXPECT_EQ(ReadNode(g), "G");
}

// Leaves. Those that do no system call under their lock cannot be stopped there; they are the ones
// that the others must not hold at the same time, and so each shard of them is used.
class Leaves : public LockOrder {
 protected:
  void SetUp() override {
    LockOrder::SetUp();
    for (int i = 0; i < kOthers; ++i) File("a/x/" + std::to_string(i), "x");
    for (const std::string name : {"f", "g"}) {
      File("a/" + name, name);
      std::filesystem::create_hard_link(base_ / "a" / name, base_ / "a" / (name + "-linked"));
      Dir("a/to-" + name);
      File("a/to-" + name + "/gone", "gone");
    }
    Mount({"a"});
    f_ = Node("f");
    g_ = Node("g");
    to_f_ = Node("to-f");
    to_g_ = Node("to-g");
  }
  // Makes nodes in every shard of the table of nodes, and puts descriptors into all of their cache.
  void UseNodesAndDescriptors() {
    for (int i = 0; i < kOthers; ++i) EXPECT_EQ(ReadAll("x/" + std::to_string(i)), "x");
  }

  static constexpr int kOthers = 100;
  NodeId f_ = kNoNode, g_ = kNoNode, to_f_ = kNoNode, to_g_ = kNoNode;
};

TEST_F(Leaves, TheLinkIndexIsHeldAlone) {
  SyncPoint point;
  const CallHook hook("symlinkat", [&] { point.Reach(); });  // of the count of links
  {
    const Elsewhere first([&] { EXPECT_TRUE(fs_->Link(f_, to_f_, "link")); });
    point.Await();
    const Elsewhere second([&] { EXPECT_TRUE(fs_->Link(g_, to_g_, "link")); });
    EXPECT_TRUE(second.Waits());
    UseNodesAndDescriptors();
    EXPECT_TRUE(fs_->Unlink(Node("x"), "0"));  // with a whiteout
    point.Release();
  }
  EXPECT_EQ(Stat("to-f/link").nlink, 3u);
  EXPECT_EQ(Stat("to-g/link").nlink, 3u);
}

TEST_F(Leaves, TheWhiteoutIsHeldAlone) {
  SyncPoint point;
  const CallHook hook("mknodat", [&] { point.Reach(); });  // of the first whiteout
  {
    const Elsewhere first([&] { EXPECT_TRUE(fs_->Unlink(to_f_, "gone")); });
    point.Await();
    const Elsewhere second([&] { EXPECT_TRUE(fs_->Unlink(to_g_, "gone")); });
    EXPECT_TRUE(second.Waits());
    UseNodesAndDescriptors();
    EXPECT_TRUE(fs_->Link(f_, Node("x"), "link"));  // with a count of links
    point.Release();
  }
  EXPECT_FALSE(Exists("to-f/gone"));
  EXPECT_FALSE(Exists("to-g/gone"));
}

}  // namespace
}  // namespace veneer
