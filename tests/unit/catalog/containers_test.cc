// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/containers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <set>
#include <utility>

#include "layerdb/base/walk.h"
#include "layerdb/catalog/lease.h"
#include "layerdb/index/kv.h"
#include "layerdb/store/prune.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::HasSubstr;

class ContainersTest : public StoreTest {
 protected:
  ContainersTest() : image_(PutImage("one", {"a:1"})) {}
  ContainerRecord Create(const std::string& name) {
    return Must(store_->containers().Create({name, image_.id, "a:1", false, "{}"}));
  }

  const ImageRecord image_;
};

TEST_F(ContainersTest, HaveAWritableLayerThatLooksLikeTheRootOfTheImage) {
  const ContainerRecord made = Create("web");
  EXPECT_EQ(made.chain_id, image_.chain_id);
  struct stat upper;
  ASSERT_EQ(stat(Path("containers/web/upper").c_str(), &upper), 0);
  EXPECT_EQ(upper.st_mode & 07777, 0755U);  // of the layer's root, whatever the umask
  EXPECT_EQ(upper.st_mtim.tv_sec, 0);
  EXPECT_TRUE(std::filesystem::is_directory(Path("containers/web/work")));
  EXPECT_TRUE(std::filesystem::exists(store_->layout().tree(image_.chain_id)));

  const ContainerRecord got = Must(store_->containers().Get("web"));
  EXPECT_EQ(got.image_id, image_.id);
  EXPECT_EQ(got.diff_ids, image_.diff_ids);
  EXPECT_EQ(got.image_name, "a:1");
  EXPECT_EQ(got.config, "{}");
  EXPECT_EQ(got.created, made.created);
  EXPECT_FALSE(got.mount.has_value());
}

TEST_F(ContainersTest, RefuseBadAndTakenNames) {
  Create("web");
  const Error taken = store_->containers().Create({"web", image_.id, "", false, ""}).error();
  EXPECT_EQ(taken.exit(), ExitCode::kInUse);
  EXPECT_EQ(taken.reason(), Reason::kNameTaken);
  for (const std::string bad : {"-x", ".", "..", "a/b", "a b", "", "\xc3\xa4"}) {
    EXPECT_EQ(store_->containers().Create({bad, image_.id, "", false, ""}).error().exit(),
              ExitCode::kUsage)
        << bad;
  }
  EXPECT_FALSE(store_->containers().Create({std::string(65, 'x'), image_.id, "", false, ""}));
  EXPECT_EQ(
      store_->containers().Create({"x", Digest::OfBytes("none"), "", false, ""}).error().exit(),
      ExitCode::kNotFound);
  EXPECT_TRUE(Files("staging").empty());
}

TEST_F(ContainersTest, AreMissed) {
  Create("web");
  EXPECT_EQ(store_->containers().Get("wbe").error().exit(), ExitCode::kNotFound);
  EXPECT_EQ(store_->containers().Lock("wbe").error().exit(), ExitCode::kNotFound);
}

// As veneerfs does while it serves a container: in a child that is killed at the end.
class Server {
 public:
  explicit Server(const std::string& work) {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    pid_ = StartChild([&] {
      const auto lease = Must(TakeLease(work, std::chrono::seconds(1)));
      ASSERT_TRUE(lease.has_value());
      ASSERT_EQ(write(ready[1], "x", 1), 1);
      pause();
    });
    char byte = 0;
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
  }
  ~Server() { Kill(); }
  void Kill() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    WaitFor(std::exchange(pid_, 0));
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST_F(ContainersTest, AreMountedAsLongAsSomebodyHoldsTheLease) {
  Create("web");
  const ContainerLock lock = Must(store_->containers().Lock("web"));
  EXPECT_FALSE(store_->containers().IsServed("web"));
  Server server(Path("containers/web/work"));
  ContainerMount mount{"/mnt/web", Must(ProcessId::Of(server.pid())), true};
  ASSERT_TRUE(store_->containers().SetMount("web", mount));
  EXPECT_TRUE(store_->containers().IsServed("web"));
  const auto got = Must(store_->containers().Get("web")).mount;
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->mount_point, "/mnt/web");
  EXPECT_EQ(got->daemon->pid, server.pid());
  EXPECT_TRUE(got->read_only);
  const auto refused = store_->containers().Remove("web");
  EXPECT_EQ(refused.error().exit(), ExitCode::kInUse);
  EXPECT_THAT(refused.error().message(), HasSubstr("/mnt/web"));

  // Of an earlier mount: another process with that pid, another boot, nothing that can be read.
  const auto is_mounted_somewhere = [&] {
    const auto now = Must(store_->containers().Get("web")).mount;
    return now.has_value() && now->mount_point.empty() && !now->daemon;
  };
  ++mount.daemon->start_time;
  ASSERT_TRUE(store_->containers().SetMount("web", mount));
  EXPECT_TRUE(is_mounted_somewhere());
  --mount.daemon->start_time;
  mount.daemon->boot_id[0] ^= 1;
  ASSERT_TRUE(store_->containers().SetMount("web", mount));
  EXPECT_TRUE(is_mounted_somewhere());
  WriteFile(Path("containers/web/state"), "garbage");
  EXPECT_TRUE(is_mounted_somewhere());
  ASSERT_TRUE(store_->containers().SetMount("web", std::nullopt));
  ASSERT_TRUE(store_->containers().SetMount("web", std::nullopt));
  EXPECT_TRUE(is_mounted_somewhere());
  EXPECT_EQ(store_->containers().Remove("web").error().exit(), ExitCode::kInUse);
  EXPECT_EQ(Must(store_->containers().List())[0].mount.has_value(), true);

  server.Kill();
  EXPECT_FALSE(Must(store_->containers().Get("web")).mount.has_value());
  // A record without the lease says nothing, whoever lives.
  mount.daemon = Must(ProcessId::Of(getpid()));
  ASSERT_TRUE(store_->containers().SetMount("web", mount));
  EXPECT_FALSE(Must(store_->containers().Get("web")).mount.has_value());
}

// The daemon's process id counts in a PID namespace that cannot be seen from here.
TEST_F(ContainersTest, AreMountedByWhoCannotBeSeen) {
  Create("web");
  Server server(Path("containers/web/work"));
  ContainerMount mount{"/mnt/web", Must(ProcessId::Of(server.pid())), false};
  mount.daemon->pid_namespace ^= 1;
  EXPECT_FALSE(mount.daemon->IsAlive());
  ASSERT_TRUE(store_->containers().SetMount("web", mount));
  const auto got = Must(store_->containers().Get("web")).mount;
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->mount_point, "/mnt/web");
  EXPECT_FALSE(got->daemon.has_value());
  EXPECT_EQ(store_->containers().Remove("web").error().exit(), ExitCode::kInUse);
}

// Its record was removed by somebody who did not look.
TEST_F(ContainersTest, KeepTheirFilesWhileTheyAreServed) {
  Create("web");
  std::filesystem::create_directories(Path("containers/lost/upper"));
  std::filesystem::create_directories(Path("containers/lost/work"));
  WriteFile(Path("containers/lost/upper/file"), "precious");
  Server server(Path("containers/lost/work"));
  EXPECT_EQ(Must(Prune(*store_, {})).containers, 0U);
  EXPECT_EQ(store_->containers().Create({"lost", image_.id, "", false, ""}).error().exit(),
            ExitCode::kInUse);
  const ContainerLock lock = Must(store_->containers().Lock("web"));
  EXPECT_EQ(store_->containers().Rename("web", "lost").error().exit(), ExitCode::kInUse);
  EXPECT_EQ(ReadFile(Path("containers/lost/upper/file")), "precious");
  server.Kill();
  EXPECT_EQ(Must(Prune(*store_, {})).containers, 1U);
}

TEST_F(ContainersTest, AreOwnedUntilTheOwnerEnds) {
  const ContainerSpec spec{"job", image_.id, "a:1", true, ""};
  std::optional<OwnedContainer> made = Must(store_->containers().CreateOwned(spec));
  EXPECT_TRUE(Must(store_->containers().Get("job")).owned);
  EXPECT_TRUE(Must(store_->containers().List())[0].owned);
  made.reset();
  EXPECT_FALSE(Must(store_->containers().Get("job")).owned);
  Create("kept");
  EXPECT_FALSE(Must(store_->containers().Get("kept")).owned);
}

// By hand, by a power cut, by what took its place.
TEST_F(ContainersTest, CanBeRemovedWithoutTheirDirectory) {
  const std::string path = Path("containers/web");
  const std::vector<std::function<void()>> accidents = {
      [] {}, [&] { WriteFile(path, "file"); }, [&] { ASSERT_EQ(mkfifo(path.c_str(), 0600), 0); },
      [&] { std::filesystem::create_symlink("nowhere", path); },
      [&] { std::filesystem::create_directory(path); }};
  for (const auto& accident : accidents) {
    Create("web");
    std::filesystem::remove_all(path);
    accident();
    const ContainerLock lock = Must(store_->containers().Lock("web"));
    const Result<void> removed = store_->containers().Remove("web");
    EXPECT_TRUE(removed.has_value()) << removed.error().message();
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::symlink_status(path)));
    EXPECT_EQ(store_->containers().Get("web").error().exit(), ExitCode::kNotFound);
  }
}

TEST_F(ContainersTest, ChangeAndGo) {
  ContainerRecord record = Create("web");
  const ImageRecord other = PutImage("two", {"b"});
  record.image_id = other.id;
  record.diff_ids = other.diff_ids;
  record.config = "{\"env\":1}";
  ASSERT_TRUE(store_->containers().Update(record));
  const ContainerRecord changed = Must(store_->containers().Get("web"));
  EXPECT_EQ(changed.image_id, other.id);
  EXPECT_EQ(changed.chain_id, other.chain_id);
  EXPECT_EQ(changed.config, "{\"env\":1}");

  // What a program may leave in a writable layer.
  const std::string deep = Path("containers/web/upper/a/b/c");
  std::filesystem::create_directories(deep);
  WriteFile(deep + "/file", "x");
  std::filesystem::create_symlink("/etc", Path("containers/web/upper/link"));
  ASSERT_EQ(chmod(deep.c_str(), 0), 0);
  ASSERT_EQ(chmod(Path("containers/web/upper/a").c_str(), 0), 0);
  const ContainerLock lock = Must(store_->containers().Lock("web"));
  ASSERT_TRUE(store_->containers().Remove("web"));
  EXPECT_FALSE(std::filesystem::exists(Path("containers/web")));
  EXPECT_TRUE(std::filesystem::is_empty(Path("staging")));
  EXPECT_TRUE(std::filesystem::exists("/etc"));
  EXPECT_EQ(store_->containers().Remove("web").error().exit(), ExitCode::kNotFound);
  EXPECT_EQ(store_->containers().Update(record).error().exit(), ExitCode::kNotFound);
}

// A directory without a record is what a crash leaves; it is not in the way.
TEST_F(ContainersTest, TakeThePlaceOfLeftOvers) {
  std::filesystem::create_directories(Path("containers/web/upper/old"));
  Create("web");
  EXPECT_TRUE(std::filesystem::is_empty(Path("containers/web/upper")));
}

TEST_F(ContainersTest, GetAnotherName) {
  const ContainerRecord made = Create("web");
  Create("db");
  WriteFile(Path("containers/web/upper/file"), "kept");
  const ContainerLock lock = Must(store_->containers().Lock("web"));
  EXPECT_EQ(store_->containers().Rename("web", "db").error().exit(), ExitCode::kInUse);
  EXPECT_EQ(store_->containers().Rename("web", "web").error().exit(), ExitCode::kInUse);
  EXPECT_EQ(store_->containers().Rename("web", "../x").error().exit(), ExitCode::kUsage);
  EXPECT_EQ(store_->containers().Rename("none", "x").error().exit(), ExitCode::kNotFound);
  ASSERT_TRUE(store_->containers().Rename("web", "site"));
  EXPECT_EQ(store_->containers().Get("web").error().exit(), ExitCode::kNotFound);
  EXPECT_EQ(Must(store_->containers().Get("site")).created, made.created);
  EXPECT_EQ(Files("containers/site"),
            (std::vector<std::string>{"containers/site/upper/file"}));  // and no note
  EXPECT_FALSE(std::filesystem::exists(Path("containers/web")));
  EXPECT_TRUE(Files("staging").empty());
  Create("web");
  Must(Prune(*store_, {}));
  EXPECT_EQ(ReadFile(Path("containers/site/upper/file")), "kept");
}

// Killed behind the move of the directory and before the commit of the record: nobody may take it
// for left over.
TEST_F(ContainersTest, KeepTheirFilesWhenARenameIsKilled) {
  const auto kill_rename = [&](const std::string& from, const std::string& to) {
    Create(from);
    WriteFile(Path("containers/" + from + "/upper/file"), "of " + from);
    WriteFile(Path("containers/" + from + "/renamed-from"), from);
    std::filesystem::rename(Path("containers/" + from), Path("containers/" + to));
  };
  const auto kept = [&](const std::string& name) {
    EXPECT_EQ(ReadFile(Path("containers/" + name + "/upper/file")), "of " + name);
    EXPECT_FALSE(std::filesystem::exists(Path("containers/" + name + "/renamed-from")));
  };
  kill_rename("a", "x");
  Must(Prune(*store_, {.dry_run = true}));
  EXPECT_TRUE(std::filesystem::exists(Path("containers/x/upper/file")));
  EXPECT_EQ(Must(Prune(*store_, {})).containers, 0U);
  kept("a");
  kill_rename("b", "y");
  Create("y");
  kept("b");
  kill_rename("c", "z");
  { const ContainerLock lock = Must(store_->containers().Lock("c")); }
  kept("c");
  // A note that a program of the container could not have written, and one that speaks of nobody.
  std::filesystem::create_directories(Path("containers/left/upper"));
  WriteFile(Path("containers/left/renamed-from"), "../catalog");
  std::filesystem::create_directories(Path("containers/over/upper"));
  WriteFile(Path("containers/over/renamed-from"), "a");
  EXPECT_EQ(Must(Prune(*store_, {})).containers, 2U);
  kept("a");
}

TEST_F(ContainersTest, AreLockedAgainstOthersUntilTheHolderDies) {
  Create("web");
  int pipe_fds[2];
  ASSERT_EQ(pipe(pipe_fds), 0);
  const pid_t holder = StartChild([&] {
    const ContainerLock lock = Must(Must(Store::Open(store_->path()))->containers().Lock("web"));
    ASSERT_EQ(write(pipe_fds[1], "x", 1), 1);
    pause();
  });
  char byte = 0;
  ASSERT_EQ(read(pipe_fds[0], &byte, 1), 1);
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  const pid_t killer = StartChild([&] {
    usleep(100'000);
    kill(holder, SIGKILL);
  });
  timespec before;
  timespec after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  const ContainerLock lock = Must(store_->containers().Lock("web"));
  clock_gettime(CLOCK_MONOTONIC, &after);
  const int64_t waited_ms =
      (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1'000'000;
  EXPECT_GE(waited_ms, 50);
  WaitFor(killer);
  WaitFor(holder);
}

TEST(RemoveTree, RemovesWhatIsDeeperThanAnyPath) {
  const TempDir dir;
  const std::string top = dir / "top";
  std::filesystem::create_directory(top);
  Fd at(open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 1100; ++i) {
    ASSERT_EQ(mkdirat(at.get(), "directory", 0700), 0);
    Fd file(openat(at.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    at = Fd(openat(at.get(), "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  // A name like those that the removal makes itself.
  std::filesystem::create_directory(top + "/.removed-1");
  WriteFile(top + "/.removed-2", std::string(8192, 'x'));
  EXPECT_GE(Must(RemoveTree(top)), 8192U);
  EXPECT_FALSE(std::filesystem::exists(top));
  EXPECT_EQ(Must(RemoveTree(top)), 0U);
}

}  // namespace
}  // namespace veneer
