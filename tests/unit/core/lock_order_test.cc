// SPDX-License-Identifier: Apache-2.0
//
// Who waits for whom: a test for the locks of UnionFs in the list of CONTRIBUTING.md. A thread
// stands still while it holds one, and others want what it guards, or something else. (The lock of
// a copy-up's contents and that of a file with several names have their tests in
// concurrency_test.cc, OpenFiles in open_files_test.cc.)
#include <atomic>
#include <chrono>
#include <functional>
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

}  // namespace
}  // namespace veneer
