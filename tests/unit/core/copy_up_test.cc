// SPDX-License-Identifier: Apache-2.0
//
// Long copy-ups: what happens when the caller is killed, when another one waits, and when
// attributes change meanwhile.
#include <sys/xattr.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "tests/unit/core/fixture.h"

namespace veneer {
namespace {

constexpr size_t kLarge = 20 << 20;

class CopyUpTest : public UnionFsTest {
 protected:
  void SetUp() override {
    UnionFsTest::SetUp();
    asked = {};
    File("a/f", std::string(kLarge, 'x'));
    union_options_.given_up = [] { return asked && asked(); };
    Mount({"a"});
  }
  void TearDown() override {
    asked = {};
    UnionFsTest::TearDown();
  }
  bool InUpper(const std::string& name) { return std::filesystem::exists(base_ / "u" / name); }
  static std::string Changed() { return "y" + std::string(kLarge - 1, 'x'); }

  // What the union is told when it asks whether the caller was killed.
  static inline std::function<bool()> asked;
};

TEST_F(CopyUpTest, ALargeFileThatIsWrittenAppearsWhole) {
  bool seen = false;
  asked = [&] {
    seen = seen || InUpper("f");
    return false;
  };
  ASSERT_TRUE(Write("f", 0, "y"));
  EXPECT_FALSE(seen) << "its name came before its contents";
  EXPECT_EQ(ReadAll("f"), Changed());
  char value[64];
  for (const char* mark : {"trusted.overlay.metacopy", "user.overlay.metacopy"}) {
    EXPECT_LT(::lgetxattr((base_ / "u/f").c_str(), mark, value, sizeof value), 0);
  }
}

TEST_F(CopyUpTest, ACopyForACallerThatWasKilledLeavesNothing) {
  const NodeId node = Node("f");
  asked = [] { return true; };
  EXPECT_EQ(Code(fs_->Write(node, 0, "y", false)), EINTR);
  EXPECT_EQ(Code(fs_->Allocate(node, 0, 0, 1)), EINTR);
  EXPECT_EQ(Code(fs_->SetAttr(node, AttrChange{.size = kLarge - 1})), EINTR);
  EXPECT_FALSE(InUpper("f"));
  EXPECT_TRUE(std::filesystem::is_empty(base_ / "w/work"));
  asked = {};
  ASSERT_TRUE(Write("f", 0, "y"));
  EXPECT_EQ(ReadAll("f"), Changed());
}

TEST_F(CopyUpTest, AfterAChmodTheContentsStayBelow) {
  const NodeId node = Node("f");
  ASSERT_TRUE(fs_->SetAttr(node, AttrChange{.mode = 0600}));
  asked = [] { return true; };
  EXPECT_EQ(Code(fs_->Write(node, 0, "y", false)), EINTR);
  EXPECT_EQ(ReadNode(node), std::string(kLarge, 'x'));
  asked = {};
  ASSERT_TRUE(Write("f", 0, "y"));
  Remount();
  EXPECT_EQ(ReadAll("f"), Changed());
  EXPECT_EQ(Stat("f").mode, 0600U);
}

TEST_F(CopyUpTest, ACopyThatAnotherWaitsForGoesOn) {
  const NodeId node = Node("f");
  std::atomic<bool> begun = false;
  const std::thread::id here = std::this_thread::get_id();
  asked = [&] {
    if (std::this_thread::get_id() == here) return false;
    begun = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the other one comes
    return true;
  };
  std::thread killed([&] { EXPECT_EQ(Code(fs_->Write(node, 0, "y", false)), 0); });
  while (!begun) std::this_thread::yield();
  const auto written = fs_->Write(node, kLarge - 1, "z", false);
  killed.join();
  EXPECT_TRUE(written);
  EXPECT_EQ(fs_->counters().data_copy_ups, 1u);
  EXPECT_EQ(ReadNode(node), Changed().substr(0, kLarge - 1) + "z");
}

TEST_F(CopyUpTest, WhoWaitsForACopyCanBeKilledToo) {
  const NodeId node = Node("f");
  std::atomic<bool> begun = false;
  std::atomic<bool> left = false;
  const std::thread::id here = std::this_thread::get_id();
  asked = [&] {
    if (std::this_thread::get_id() == here) return true;
    begun = true;
    while (!left) std::this_thread::yield();
    return false;
  };
  std::thread copier([&] { EXPECT_EQ(Code(fs_->Write(node, 0, "y", false)), 0); });
  while (!begun) std::this_thread::yield();
  EXPECT_EQ(Code(fs_->Write(node, 0, "z", false)), EINTR);
  left = true;
  copier.join();
  EXPECT_EQ(ReadNode(node), Changed());
}

TEST_F(CopyUpTest, AttributesThatChangeMeanwhileStay) {
  const NodeId node = Node("f");
  const Timestamp time{1'000'000'000, 7};
  bool done = false;
  asked = [&] {
    if (!std::exchange(done, true)) {
      EXPECT_TRUE(fs_->SetAttr(node, AttrChange{.mode = 0600, .mtime = time}));
    }
    return false;
  };
  EXPECT_EQ(Code(fs_->Allocate(node, 0, 0, 0)), EINVAL)
      << "but not before the contents were copied";
  asked = {};
  EXPECT_TRUE(done);
  Remount();
  EXPECT_EQ(Stat("f").mode, 0600U);
  EXPECT_EQ(Stat("f").mtime, time);
  EXPECT_EQ(ReadAll("f"), std::string(kLarge, 'x'));
}

TEST_F(CopyUpTest, AFileThatIsRemovedMeanwhileGoesOn) {
  const NodeId node = Node("f");
  bool done = false;
  asked = [&] {
    if (!std::exchange(done, true)) {
      EXPECT_TRUE(Unlink("f"));
    }
    return false;
  };
  ASSERT_TRUE(fs_->Write(node, 0, "y", false));
  asked = {};
  EXPECT_FALSE(Exists("f"));
  EXPECT_EQ(ReadNode(node), Changed());
}

}  // namespace
}  // namespace veneer
