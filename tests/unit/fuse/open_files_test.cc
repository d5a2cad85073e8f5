// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/open_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "tests/support/sync_point.h"

namespace veneer {
namespace {

using Passing = OpenFiles::Passing;
constexpr uint64_t kNode = 7;

class FakeBackings : public Backings {
 public:
  Sys<int32_t> Register(int /*fd*/) override {
    if (error != 0) return Fail(error);
    registered.insert(++last);
    return last;
  }
  void Unregister(int32_t id) override { EXPECT_EQ(registered.erase(id), 1u); }
  std::set<int32_t> registered;
  int32_t last = 0;
  int error = 0;
};

class OpenFilesTest : public ::testing::Test {
 protected:
  OpenFilesTest() { files_.Decide(Passing::kAllowed); }

  // The id of the backing file, 0 for a cached file, minus the errno of a failure.
  int Open(int flags, uint64_t node = kNode) {
    const auto opened = files_.Open(node, flags, [&](int how) -> Sys<Fd> {
      asked_ = how;
      if (upper_error_ != 0) return Fail(upper_error_);
      return in_upper_ ? Fd(::open("/dev/null", O_RDONLY)) : Fd();
    });
    if (!opened) return -opened.error().code;
    move_now_ = opened->attributes_move_now;
    return opened->backing_id;
  }

  FakeBackings backings_;
  OpenFiles files_{backings_};
  bool in_upper_ = true;
  int upper_error_ = 0;
  int asked_ = -1;
  bool move_now_ = false;
};

TEST_F(OpenFilesTest, AFileOfTheUpperHasOneBackingFileUntilItsLastRelease) {
  EXPECT_EQ(Open(O_RDONLY), 1);
  EXPECT_EQ(Open(O_RDWR), 1);
  EXPECT_EQ(Open(O_RDONLY, kNode + 16), 2);
  files_.Release(kNode, O_RDONLY);
  EXPECT_EQ(Open(O_RDONLY), 1);
  files_.Release(kNode, O_RDWR);
  files_.Release(kNode, O_RDONLY);
  EXPECT_EQ(backings_.registered, std::set<int32_t>{2});
  EXPECT_EQ(Open(O_RDONLY), 3);
}

// The lock of a shard is held while the file of the upper is opened: two who open one node at once
// get one backing file.
TEST_F(OpenFilesTest, TwoWhoOpenAFileAtOnceHaveOneBackingFile) {
  SyncPoint point;
  int slow = 0;
  std::thread first([&] {
    const auto opened = files_.Open(kNode, O_RDONLY, [&](int) -> Sys<Fd> {
      point.Reach();
      return Fd(::open("/dev/null", O_RDONLY));
    });
    slow = opened ? opened->backing_id : -1;
  });
  point.Await();
  std::atomic<int> quick = 0;
  std::thread second([&] { quick = Open(O_RDONLY); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(quick, 0) << "it did not wait";
  point.Release();
  first.join();
  second.join();
  EXPECT_EQ(slow, 1);
  EXPECT_EQ(quick, 1);
}

TEST_F(OpenFilesTest, AFileOfALayerStaysCachedUntilNobodyHasItOpen) {
  in_upper_ = false;
  EXPECT_EQ(Open(O_RDONLY), 0);
  EXPECT_EQ(Open(O_RDWR), 0);
  in_upper_ = true;  // copied up
  EXPECT_EQ(Open(O_RDWR), 0);
  files_.Release(kNode, O_RDWR);
  files_.Release(kNode, O_RDWR);
  EXPECT_EQ(Open(O_WRONLY), 0);
  files_.Release(kNode, O_WRONLY);
  files_.Release(kNode, O_RDONLY);
  EXPECT_EQ(Open(O_RDONLY), 1);
}

TEST_F(OpenFilesTest, NothingIsPassedBeforeTheKernelAgrees) {
  for (const Passing passing : {Passing::kUnknown, Passing::kRefused}) {
    files_.Decide(passing);
    EXPECT_EQ(Open(O_RDWR), 0);
  }
  files_.Decide(Passing::kAllowed);
  EXPECT_EQ(Open(O_RDWR), 0);  // two have it open cached
  EXPECT_TRUE(backings_.registered.empty());
}

TEST_F(OpenFilesTest, AFileThatCannotBackIsCachedAndOtherErrorsAreTheOpeners) {
  for (const int error : {ELOOP, EOPNOTSUPP}) {
    backings_.error = error;
    EXPECT_EQ(Open(O_RDONLY), 0);
    files_.Release(kNode, O_RDONLY);
  }
  backings_.error = ENOMEM;
  EXPECT_EQ(Open(O_RDONLY), -ENOMEM);
  backings_.error = 0;
  EXPECT_EQ(Open(O_RDONLY), 1);  // the failure was not counted
}

TEST_F(OpenFilesTest, EveryWriterIsTestedOnTheUpper) {
  EXPECT_EQ(Open(O_RDONLY), 1);
  EXPECT_EQ(Open(O_WRONLY | O_APPEND | O_SYNC), 1);
  EXPECT_EQ(asked_, O_WRONLY | O_APPEND);
  upper_error_ = EPERM;
  EXPECT_EQ(Open(O_WRONLY), -EPERM);
  EXPECT_EQ(Open(O_RDONLY), 1);
}

TEST_F(OpenFilesTest, AttributesMoveOnceSomebodyCouldMapAndWriteUntilTheNodeIsForgotten) {
  Open(O_WRONLY);
  EXPECT_FALSE(move_now_);
  EXPECT_FALSE(files_.AttributesMove(kNode));
  Open(O_RDWR);
  EXPECT_TRUE(move_now_);
  Open(O_RDWR);
  EXPECT_FALSE(move_now_);
  for (const int flags : {O_WRONLY, O_RDWR, O_RDWR}) files_.Release(kNode, flags);
  EXPECT_TRUE(files_.AttributesMove(kNode));
  EXPECT_FALSE(files_.AttributesMove(kNode + 16));
  files_.Forget(kNode + 16);
  files_.Forget(kNode);
  EXPECT_FALSE(files_.AttributesMove(kNode));
}

TEST_F(OpenFilesTest, APassedWriterIsKnownWhileItIsOpen) {
  Open(O_RDONLY);
  EXPECT_FALSE(files_.HasPassedWriter(kNode));
  Open(O_WRONLY);
  EXPECT_TRUE(files_.HasPassedWriter(kNode));
  files_.Release(kNode, O_WRONLY);
  EXPECT_FALSE(files_.HasPassedWriter(kNode));
  in_upper_ = false;
  Open(O_RDWR, kNode + 1);
  EXPECT_FALSE(files_.HasPassedWriter(kNode + 1));
}

TEST_F(OpenFilesTest, AReleaseOfWhatIsNotKnownChangesNothing) {
  files_.Release(kNode, O_RDWR);
  EXPECT_EQ(Open(O_RDONLY), 1);
}

}  // namespace
}  // namespace veneer
