// SPDX-License-Identifier: Apache-2.0
//
// A commit that takes the files of the writable layer (`commit --rm`) and does not end well:
// whatever stops it, the writable layer is as before, and nothing of the commit stays in the store.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "layerdb/store/prune.h"
#include "layerdb/transfer/commit.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

class MoveTest : public TransferTest {
 protected:
  MoveTest() {
    Shell(
        "mkdir -p upper/a upper/b work; for i in $(seq 60); do head -c 20000 /dev/urandom > "
        "upper/a/$i; done; head -c 3000000 /dev/urandom > upper/b/big; cp upper/a/1 upper/b/equal;"
        "echo small > upper/b/small; chmod 4755 upper/a/2; chmod 600 upper/a/3;"
        "setfattr -n user.mine -v v upper/a/4; touch -d @1000000000.5 upper/a/5;"
        "ln upper/a/6 upper/b/link");
    before_ = Upper();
  }

  // Names, attributes and bytes. (The times of the last look and change are nobody's business.)
  std::string Upper() {
    return Shell(
        "cd upper; find . -printf '%p %i %y %m %U:%G %n %s %T@\\n' | sort; getfattr -dhR -m - .;"
        "find . -type f -print0 | sort -z | xargs -0 sha256sum");
  }
  static Result<CommittedLayer> Commit(Store& store, const std::string& upper,
                                       const Cancellation* cancel = nullptr) {
    VENEER_TRY(const auto session, store.Begin());
    CommitOptions options;
    options.move = true;
    options.cancel = cancel;
    return CommitUpper(store, *session, upper, "", "", options);
  }
  Result<CommittedLayer> Commit(const Cancellation* cancel = nullptr) {
    return Commit(store(), Path("upper"), cancel);
  }
  void ExpectNothingLeft() {
    const Result<PruneReport> pruned = Prune(store(), PruneOptions());
    ASSERT_TRUE(pruned) << pruned.error().message();
    EXPECT_EQ(Upper(), before_);
    EXPECT_EQ(CountObjects(), 0U);
    EXPECT_EQ(Shell("ls -A store/staging store/layers/"), "store/layers/:\n\nstore/staging:\n");
  }

  std::string before_;
};

TEST_F(MoveTest, AReservedNameLeavesTheWritableLayerAsItWas) {
  Shell("mkdir upper/z; echo x > upper/z/.wh.bad");
  before_ = Upper();
  const Result<CommittedLayer> made = Commit();
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message().find("cannot hold this name"), std::string::npos);
  EXPECT_EQ(Upper(), before_) << "before any prune";
  ExpectNothingLeft();
}

TEST_F(MoveTest, NotPublishedItLeavesTheWritableLayerAsItWas) {
  ASSERT_TRUE(Commit());
  EXPECT_EQ(Upper(), before_);
  ExpectNothingLeft();
}

TEST_F(MoveTest, CancelledAtAnyMomentItLeavesTheWritableLayerAsItWas) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 10; ++round) {
    Cancellation cancel;
    std::jthread later([&, wait = random() % 20] {
      std::this_thread::sleep_for(std::chrono::milliseconds(wait));
      cancel.Request();
    });
    const Result<CommittedLayer> made = Commit(&cancel);
    EXPECT_TRUE(made || made.error().code() == ECANCELED);
    EXPECT_EQ(Upper(), before_);
  }
  Cancellation cancel;
  cancel.Request();
  EXPECT_FALSE(Commit(&cancel));
  ExpectNothingLeft();
}

TEST_F(MoveTest, KilledAtAnyMomentItLeavesTheWritableLayerAsItWas) {
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto own = Store::Open(Path("store"));
      if (!own) ::_exit(1);
      ::_exit(Commit(**own, Path("upper")) ? 0 : 1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 40));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }
  ExpectNothingLeft();
  ASSERT_TRUE(Commit());
}

TEST_F(MoveTest, OnAFullDiskItLeavesTheWritableLayerAsItWas) {
  Shell("mkdir disk");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A disk of ten megabytes that this process alone sees. What has two names is copied, and does
    // not fit.
    const uid_t uid = ::getuid();
    const gid_t gid = ::getgid();
    if (::unshare(CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) != 0) ::_exit(10);
    if (uid != 0) {
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
      std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(11);
    if (::mount("tmpfs", Path("disk").c_str(), "tmpfs", 0, "size=10m") != 0) ::_exit(12);
    Shell(
        "cp -a upper disk; cd disk/upper; mkdir z; head -c 4000000 /dev/urandom > z/twice; ln "
        "z/twice z/again");
    const std::string look =
        "cd disk/upper; find . -printf '%p %i %m %n %s %T@\\n' | sort; find . -type f -print0 | "
        "sort "
        "-z | xargs -0 sha256sum";
    const std::string before = Shell(look);
    const auto full = Store::Open(Path("disk/store"));
    if (!full) ::_exit(13);
    const auto made = Commit(**full, Path("disk/upper"));
    if (made) ::_exit(14);
    if (made.error().code() != ENOSPC) ::_exit(15);
    if (Shell(look) != before) ::_exit(16);
    if (!Prune(**full, PruneOptions())) ::_exit(17);
    Shell("rm disk/upper/z/again");
    ::_exit(Commit(**full, Path("disk/upper")) ? 0 : 18);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace veneer
