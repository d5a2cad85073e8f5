// SPDX-License-Identifier: Apache-2.0
//
// Garbage, crashes, damage, and several processes on one store.
#include "layerdb/store/prune.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <random>

#include "layerdb/index/index_reader.h"
#include "layerdb/index/kv.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/store/fsck.h"
#include "layerdb/store/usage.h"
#include "tests/unit/base/refuse_system_call.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PruneTest : public StoreTest {
 protected:
  PruneReport Run(PruneOptions options = {}) { return Must(Prune(*store_, options)); }
  FsckReport Check() {
    return Must(Fsck(*store_, [](uint64_t, uint64_t) {}));
  }
};

// Of the threads that read contents none can be had, or not all.
TEST_F(PruneTest, TheCheckNeedsNoThreads) {
  PutImage("one", {"a"});
  const pid_t child = ::fork();
  if (child == 0) {
    if (!RefuseSystemCall(SYS_clone3, EAGAIN)) _exit(2);
    const FsckReport report = Check();
    _exit(report.problems.empty() && report.objects > 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(PruneTest, TakesWhatNothingNeedsAndNothingElse) {
  const ImageRecord one = PutImage("one", {"a"});
  PutImage("two", {"b"});
  const std::vector<Digest> chain = one.diff_ids;
  Must(store_->EnsureTree(chain));
  const std::vector<std::string> before = Files(".");
  EXPECT_EQ(Run().bytes_freed, 0U);
  EXPECT_EQ(Files("."), before);

  Must(store_->images().Remove("b", RemoveTerms{false}));
  const PruneReport dry = Run({.dry_run = true});
  EXPECT_EQ(Files("."), before);
  const PruneReport report = Run();
  EXPECT_EQ(report.layers, 1U);
  EXPECT_EQ(report.objects, 1U);  // "large" of two; "shared" is still needed
  EXPECT_EQ(report.blobs, 1U);
  EXPECT_EQ(report.trees, 0U);
  EXPECT_GT(report.bytes_freed, 5000U);
  EXPECT_EQ(report.bytes_freed, dry.bytes_freed);
  EXPECT_EQ(report.objects, dry.objects);
  EXPECT_FALSE(report.writers_active);
  EXPECT_THAT(Check().problems, IsEmpty());
  EXPECT_EQ(Files("objects").size(), 2U);
  EXPECT_TRUE(store_->HasLayer(one.diff_ids[0]));

  Must(store_->images().Remove("a", RemoveTerms{false}));
  const PruneReport rest = Run();
  EXPECT_EQ(rest.objects, 2U);
  EXPECT_EQ(rest.trees, 1U);
  EXPECT_THAT(Files("objects"), IsEmpty());
  EXPECT_THAT(Files("layers"), IsEmpty());
  EXPECT_THAT(Files("trees"), IsEmpty());
  EXPECT_THAT(Files("blobs"), IsEmpty());
}

TEST_F(PruneTest, TakesUntaggedImagesOnlyWhenAsked) {
  PutImage("one", {"a"});
  const ImageRecord two = PutImage("two", {"a"});  // takes the tag away
  Must(store_->containers().Create({"web", two.id, "a", false, ""}));
  PutImage("three", {"a"});  // and again: "two" is kept by its container
  EXPECT_EQ(Run().images, 0U);
  EXPECT_EQ(Must(store_->images().List()).size(), 3U);
  EXPECT_EQ(Run({.untagged_images = true}).images, 1U);
  EXPECT_EQ(Must(store_->images().List()).size(), 2U);
  EXPECT_THAT(Check().problems, IsEmpty());
}

TEST_F(PruneTest, ADryRunAnnouncesWhatTheRealOneRemoves) {
  PutImage("one", {"a"});
  const ImageRecord two = PutImage("two", {"a"});
  Must(store_->EnsureTree(two.diff_ids));
  Must(store_->containers().Create({"dead", two.id, "a", true, ""}));
  PutImage("three", {"a"});
  const PruneReport dry =
      Run({.untagged_images = true, .dry_run = true, .dead_containers = {"dead"}});
  EXPECT_EQ(dry.images, 2U);
  EXPECT_EQ(dry.layers, 2U);
  EXPECT_EQ(Must(store_->images().List()).size(), 3U);
  {
    const ContainerLock lock = Must(store_->containers().Lock("dead"));
    ASSERT_TRUE(store_->containers().Remove("dead"));
  }
  const PruneReport report = Run({.untagged_images = true});
  EXPECT_EQ(dry.images, report.images);
  EXPECT_EQ(dry.layers, report.layers);
  EXPECT_EQ(dry.trees, report.trees);
  EXPECT_EQ(dry.objects, report.objects);
  EXPECT_EQ(dry.blobs, report.blobs);
  EXPECT_EQ(dry.staging, report.staging);
  EXPECT_EQ(dry.containers, report.containers);
  EXPECT_EQ(dry.bytes_freed, report.bytes_freed);
}

TEST_F(PruneTest, TakesWhatAKilledImportLeft) {
  PutImage("one", {"a"});
  const std::vector<std::string> before = Files(".");
  // Killed at every step in turn.
  for (int step = 0; step < 5; ++step) {
    const int status = RunInChild([&] {
      auto store = Must(Store::Open(store_->path()));
      auto session = Must(store->Begin());
      const auto die_at = [&](int now) {
        if (now == step) kill(getpid(), SIGKILL);
      };
      Must(session->PutObject(std::string(7000, 'k')));
      die_at(0);
      auto writer = Must(session->NewObject(0));
      ASSERT_TRUE(writer->Write("part"));
      die_at(1);
      const std::string dir = Must(session->NewLayerDir());
      auto index = Must(IndexWriter::Create(dir + "/index"));
      ASSERT_TRUE(index->PutRoot(DirectoryEntry(1)));
      die_at(2);
      PutLayer(*session, "killed", {{"f", "x"}});
      die_at(3);
      Must(session->PutBlob("killed"));
      die_at(4);
    });
    ASSERT_TRUE(WIFSIGNALED(status)) << step;
    EXPECT_THAT(Check().problems, IsEmpty());
    const PruneReport report = Run();
    EXPECT_EQ(report.staging, 1U) << step;
    EXPECT_EQ(Files("."), before) << step;
    EXPECT_TRUE(std::filesystem::is_empty(Path("staging")));
  }
}

TEST_F(PruneTest, LeavesALiveSessionAlone) {
  PutImage("one", {"a"});
  const int status = RunInChild([&] {
    auto store = Must(Store::Open(store_->path()));
    auto session = Must(store->Begin());
    const Digest layer = PutLayer(*session, "two", {{"f", std::string(6000, 'y')}});
    const Digest id = Must(session->PutBlob("config"));
    // Another process prunes now.
    EXPECT_EQ(RunInChild([&] {
                auto other = Must(Store::Open(store_->path()));
                const PruneReport report = Must(Prune(*other, {}));
                EXPECT_TRUE(report.writers_active);
                EXPECT_EQ(report.staging, 0U);
              }),
              0);
    const std::vector<Digest> diff_ids = {layer};
    const std::vector<std::string> tags = {"b"};
    ASSERT_TRUE(store->images().Put({id, diff_ids, ChainIdOf(diff_ids), {}, 0, {}}, tags));
  });
  EXPECT_EQ(status, 0);
  EXPECT_THAT(Check().problems, IsEmpty());
  EXPECT_EQ(Run().bytes_freed, 0U);
  EXPECT_EQ(Must(store_->images().List()).size(), 2U);
}

TEST_F(PruneTest, TakesContainersAndFilesThatNobodyKnows) {
  std::filesystem::create_directories(Path("containers/lost/upper/x"));
  WriteFile(Path("trees/no-tree"), "x");
  WriteFile(Path("staging/stray"), "x");
  std::filesystem::create_directories(Path("layers/not-a-digest"));
  const PruneReport report = Run();
  EXPECT_EQ(report.containers, 1U);
  EXPECT_EQ(report.trees, 1U);
  EXPECT_EQ(report.staging, 1U);
  EXPECT_EQ(report.layers, 1U);
  EXPECT_FALSE(std::filesystem::exists(Path("containers/lost")));
}

// A layer that cannot be read might need any object.
TEST_F(PruneTest, TakesNoObjectsWhenALayerIsDamaged) {
  const ImageRecord one = PutImage("one", {"a"});
  PutImage("two", {"b"});
  Must(store_->images().Remove("b", RemoveTerms{false}));
  WriteFile(store_->layout().layer_index(one.diff_ids[0]), "damaged");
  const auto pruned = Prune(*store_, {});
  EXPECT_EQ(pruned.error().reason(), Reason::kDamaged);
  EXPECT_EQ(Files("objects").size(), 3U);
}

TEST_F(PruneTest, AndImportsAndMountsDoNotBreakEachOther) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  PutImage("base", {"base"});
  std::vector<pid_t> children;
  for (unsigned worker = 0; worker < 4; ++worker) {
    children.push_back(StartChild([&, worker] {
      std::mt19937 random(seed + worker);
      auto store = Must(Store::Open(store_->path()));
      for (int i = 0; i < 12; ++i) {
        switch (worker == 0 ? 0 : 1 + random() % 2) {
          case 0: Must(Prune(*store, {.untagged_images = true})); break;
          case 1: {  // the same contents again and again, garbage in between
            const std::string what = "w" + std::to_string(random() % 3);
            PutImage(*store, what, {"t" + std::to_string(random() % 3)});
            break;
          }
          default: {
            const auto found = store->images().Find("base");
            ASSERT_TRUE(found.has_value()) << found.error().message();
            const std::string name = "c" + std::to_string(worker) + "-" + std::to_string(i);
            const auto made = store->containers().Create({name, found->image.id, "base", true, ""});
            ASSERT_TRUE(made.has_value()) << made.error().message();
            Must(IndexReader::Open(Must(store->EnsureTree(made->diff_ids))));
            const ContainerLock lock = Must(store->containers().Lock(made->name));
            const auto removed = store->containers().Remove(made->name);
            ASSERT_TRUE(removed.has_value()) << removed.error().message();
          }
        }
      }
    }));
  }
  for (const pid_t pid : children) EXPECT_EQ(WaitFor(pid), 0);
  for (const FsckProblem& problem : Check().problems) {
    ADD_FAILURE() << problem.path << ": " << problem.what;
  }
  Run({.untagged_images = true});
  EXPECT_THAT(Check().problems, IsEmpty());
}

TEST_F(PruneTest, FsckFindsEveryKindOfDamageAndSaysWhomItTouches) {
  const ImageRecord image = PutImage("one", {"a:1", "a:2"});
  PutImage("two", {"b"});
  Must(store_->containers().Create({"web", image.id, "a:1", false, ""}));
  FsckReport report = Check();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.images, 2U);
  EXPECT_EQ(report.containers, 1U);
  EXPECT_EQ(report.layers, 2U);
  EXPECT_EQ(report.trees, 1U);
  EXPECT_EQ(report.objects, 3U);
  EXPECT_EQ(report.blobs, 2U);
  EXPECT_GT(report.bytes, 20'000U);

  const auto expect = [&](const std::string& path, const std::string& what,
                          const std::vector<std::string>& images) {
    const FsckReport found = Check();
    for (const FsckProblem& problem : found.problems) {
      if (problem.path.find(path) == std::string::npos) continue;
      EXPECT_THAT(problem.what, HasSubstr(what));
      EXPECT_EQ(problem.images, images);
      return;
    }
    ADD_FAILURE() << "not found: " << path;
  };
  const auto damage = [](const std::string& path, const std::string& bytes) {
    WriteFile(path, bytes);
  };

  const ObjectRef large{HashContent("one" + std::string(5000, '.')), 0};
  const std::string large_path = "objects/" + ObjectPath(large);
  damage(Path(large_path), "One" + std::string(5000, '.'));
  expect(large_path, "other contents", {"a:1", "a:2"});
  EXPECT_THAT(Check().problems.at(0).containers, ElementsAre("web"));
  damage(Path(large_path), "short");
  expect(large_path, "has 5 bytes instead of 5003", {"a:1", "a:2"});
  const ObjectRef shared{HashContent(std::string(9000, 's')), 0};
  std::filesystem::remove(Path("objects/" + ObjectPath(shared)));
  expect(ObjectPath(shared), "is missing", {"a:1", "a:2", "b:latest"});
  damage(store_->layout().blob(image.id), "x");
  expect("blobs/sha256/" + image.id.hex(), "other contents", {"a:1", "a:2"});
  std::filesystem::remove(store_->layout().layer_tar_split(image.diff_ids[0]));
  expect("recipe", "is missing", {"a:1", "a:2"});
  damage(store_->layout().tree(image.chain_id), "x");  // no damage, as it is made again
  EXPECT_THAT(Check().stale_trees, ElementsAre(image.chain_id));
  damage(store_->layout().layer_index(image.diff_ids[0]), "x");
  expect("/index", "damaged", {"a:1", "a:2"});
  std::filesystem::remove_all(Path("containers/web/work"));
  expect("containers/web/work", "is missing", {});
}

// Somebody has put other things where the store keeps its own, and beside.
TEST_F(PruneTest, WhatIsNoneOfTheStoreGoesWhateverItIs) {
  const ImageRecord image = PutImage("one", {"a"});
  Must(store_->EnsureTree(image.diff_ids));
  const auto litter = [&](const std::string& place) {
    WriteFile(Path(place + "/stray"), "x");
    std::filesystem::create_directories(Path(place + "/dir/deep"));
    WriteFile(Path(place + "/dir/deep/file"), "x");
    std::filesystem::create_symlink("/etc", Path(place + "/link"));
    ASSERT_EQ(mkfifo(Path(place + "/fifo").c_str(), 0600), 0);
  };
  for (const char* place :
       {"trees", "blobs/sha256", "layers", "staging", "containers", "objects"}) {
    litter(place);
  }
  std::filesystem::create_directories(Path("objects/ab/dir/deep"));
  Must(MeasureUsage(*store_));
  Must(Prune(*store_, {.dry_run = true}));
  Must(Prune(*store_, {}));
  for (const char* place :
       {"trees", "blobs/sha256", "layers", "staging", "containers", "objects"}) {
    for (const char* name : {"/stray", "/dir/deep", "/link", "/fifo"}) {
      EXPECT_FALSE(
          std::filesystem::exists(std::filesystem::symlink_status(Path(std::string(place) + name))))
          << place << name;
    }
  }
  EXPECT_TRUE(std::filesystem::exists("/etc"));
  EXPECT_THAT(Check().problems, IsEmpty());
  Must(Prune(*store_, {}));
}

// The same layer imported again heals the store.
TEST_F(PruneTest, DamageIsHealedByTheSameImportAgain) {
  const ImageRecord image = PutImage("one", {"a"});
  Must(store_->EnsureTree(image.diff_ids));
  const std::string index = store_->layout().layer_index(image.diff_ids[0]);
  WriteFile(index, "damaged");
  const ObjectRef shared{HashContent(std::string(9000, 's')), 0};
  WriteFile(Path("objects/" + ObjectPath(shared)), "damaged too");
  EXPECT_FALSE(Check().problems.empty());
  PutImage("one", {"a"});
  EXPECT_THAT(Check().problems, IsEmpty());
  Must(store_->EnsureTree(image.diff_ids));
  EXPECT_THAT(Check().problems, IsEmpty());
}

// Size, bytes or everything of it gone: the object is replaced, for all images that share it.
TEST_F(PruneTest, ADamagedObjectIsHealedByTheSameImportAgain) {
  const ImageRecord image = PutImage("one", {"a"});
  PutImage("two", {"b"});
  struct stat before;
  ASSERT_EQ(stat(store_->layout().layer_index(image.diff_ids[0]).c_str(), &before), 0);
  const std::string bytes(9000, 's');
  const ObjectRef shared{HashContent(bytes), 0};
  const std::string path = Path("objects/" + ObjectPath(shared));
  std::string flipped = bytes;
  flipped[4000] = 'S';
  for (const std::string& damage : {flipped, bytes.substr(0, 8999), std::string(), bytes + "s"}) {
    std::filesystem::remove(path);
    WriteFile(path, damage);
    EXPECT_FALSE(Check().problems.empty());
    PutImage("one", {"a"});
    EXPECT_THAT(Check().problems, IsEmpty());
    EXPECT_EQ(ReadFile(path), bytes);
  }
  std::filesystem::remove(path);
  PutImage("one", {"a"});
  EXPECT_THAT(Check().problems, IsEmpty());
  struct stat after;
  ASSERT_EQ(stat(store_->layout().layer_index(image.diff_ids[0]).c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "the layer itself was sound";
  Must(Prune(*store_, {}));
  EXPECT_THAT(Check().problems, IsEmpty());
}

TEST_F(PruneTest, TheCheckTakesNothingForDamagedThatIsBeingMadeOrRemoved) {
  const ImageRecord image = PutImage("one", {"a"});
  Must(store_->EnsureTree(image.diff_ids));
  const pid_t busy = StartChild([&] {
    auto store = Must(Store::Open(store_->path()));
    for (int i = 0; i < 100'000; ++i) {
      Must(store->containers().Create({"web", image.id, "a", false, ""}));
      const ContainerLock lock = Must(store->containers().Lock("web"));
      ASSERT_TRUE(store->containers().Remove("web"));
    }
  });
  for (int i = 0; i < 40; ++i) {
    const FsckReport report = Check();
    for (const FsckProblem& problem : report.problems) {
      ADD_FAILURE() << problem.path << ": " << problem.what;
    }
  }
  kill(busy, SIGKILL);
  WaitFor(busy);
  Run();
  EXPECT_THAT(Check().problems, IsEmpty());
}

TEST_F(PruneTest, AFullDiskChangesNothing) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to mount a small tmpfs";
  const std::string mount_point = dir_ / "small";
  std::filesystem::create_directory(mount_point);
  const int status = RunInChild([&] {
    // In a mount namespace of its own: whatever happens, nothing stays mounted.
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    ASSERT_EQ(mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=1m"), 0);
    auto store = Must(Store::Open(mount_point + "/store"));
    PutImage(*store, "one", {"a"});
    {
      auto session = Must(store->Begin());
      Result<ObjectRef> ref = ObjectRef();
      for (int i = 0; ref && i < 1000; ++i) {
        ref = session->PutObject(std::to_string(i) + std::string(50'000, 'x'));
      }
      ASSERT_FALSE(ref.has_value());
      EXPECT_EQ(ref.error().code(), ENOSPC) << ref.error().message();

      auto piecewise = Must(session->NewObject(0));
      const Result<void> written = piecewise->Write(std::string(400'000, 'y'));
      EXPECT_EQ(written.error().code(), ENOSPC);

      const std::string dir = Must(session->NewLayerDir());
      const auto write_index = [&]() -> Result<void> {
        VENEER_TRY(auto writer, IndexWriter::Create(dir + "/index"));
        VENEER_TRY_VOID(writer->PutRoot(DirectoryEntry(1)));
        for (uint64_t i = 2; i < 2000; ++i) {
          VENEER_TRY_VOID(
              writer->Put(1, "f" + std::to_string(i), FileEntry(i, std::string(900, 'z'))));
        }
        VENEER_TRY_VOID(writer->Seal(false));
        return {};
      };
      const Result<void> index = write_index();
      ASSERT_FALSE(index.has_value());
      EXPECT_EQ(index.error().code(), ENOSPC) << index.error().message();
      EXPECT_FALSE(std::filesystem::exists(dir + "/index"));
      const auto blob = session->PutBlob(std::string(300'000, 'b'));
      EXPECT_EQ(blob.error().code(), ENOSPC);
      const Result<void> tag = store->catalog().Write([&](KvTxn& txn) -> Result<void> {
        for (int i = 0; i < 400; ++i) {
          VENEER_TRY_VOID(txn.Put("filler" + std::to_string(i), std::string(1000, 'f')));
        }
        return {};
      });
      EXPECT_EQ(tag.error().code(), ENOSPC) << tag.error().message();
    }
    // The store is as before, and usable as soon as there is room.
    Must(Prune(*store, {}));
    const FsckReport report = Must(Fsck(*store, [](uint64_t, uint64_t) {}));
    EXPECT_THAT(report.problems, IsEmpty());
    EXPECT_EQ(Must(store->images().List()).size(), 1U);
    PutImage(*store, "two", {"b"});
    EXPECT_THAT(Must(Fsck(*store, [](uint64_t, uint64_t) {})).problems, IsEmpty());
  });
  EXPECT_EQ(status, 0);
}

// Fills the disk from a container. `spent`: the catalog's reserve is used up, too.
void RemoveTheContainerThatFillsTheDisk(const std::string& mount_point, bool spent,
                                        const std::function<ImageRecord(Store&)>& put) {
  ASSERT_EQ(unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=2m"), 0);
  auto store = Must(Store::Open(mount_point + "/store"));
  const ImageRecord image = put(*store);
  for (const char* name : {"big", "other"}) {
    Must(store->containers().Create({name, image.id, "a", false, ""}));
  }
  {
    std::ofstream out(store->layout().upper("big") + "/file", std::ios::binary);
    const std::string page(4096, 'x');
    while (out.write(page.data(), 4096).flush()) {
    }
  }
  if (spent) {
    const Result<void> filled = store->catalog().Write([&](KvTxn& txn) -> Result<void> {
      for (int i = 0; i < 400; ++i) {
        VENEER_TRY_VOID(txn.Put("filler" + std::to_string(i), std::string(1000, 'f')));
      }
      return {};
    });
    ASSERT_EQ(filled.error().code(), ENOSPC);
  }
  const auto check = [&] { return Must(Fsck(*store, [](uint64_t, uint64_t) {})).problems; };
  EXPECT_THAT(check(), IsEmpty());
  {
    const ContainerLock lock = Must(store->containers().Lock("big"));
    const Result<void> removed = store->containers().Remove("big");
    ASSERT_TRUE(removed.has_value()) << removed.error().message();
  }
  EXPECT_FALSE(std::filesystem::exists(store->layout().container("big")));
  EXPECT_EQ(Must(store->containers().List()).size(), 1U);
  EXPECT_THAT(check(), IsEmpty());
  Must(store->containers().Create({"next", image.id, "a", false, ""}));
}

// An image can be removed and its layers freed, too.
void RemoveTheImageOnAFullDisk(const std::string& mount_point,
                               const std::function<ImageRecord(Store&)>& put) {
  ASSERT_EQ(unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=2m"), 0);
  auto store = Must(Store::Open(mount_point + "/store"));
  put(*store);
  {
    std::ofstream out(mount_point + "/filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (out.write(page.data(), 4096).flush()) {
    }
  }
  store = Must(Store::Open(mount_point + "/store"));
  Must(store->images().Remove("a", RemoveTerms{false}));
  const PruneReport report = Must(Prune(*store, {}));
  EXPECT_EQ(report.layers, 1U);
  EXPECT_GT(report.bytes_freed, 5000U);
}

TEST_F(PruneTest, AFullDiskKeepsNobodyFromRemovingWhatFillsIt) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to mount a small tmpfs";
  const std::string mount_point = dir_ / "small";
  std::filesystem::create_directory(mount_point);
  for (const bool spent : {false, true}) {
    const int status = RunInChild([&] {
      RemoveTheContainerThatFillsTheDisk(
          mount_point, spent, [](Store& store) { return PutImage(store, "one", {"a"}); });
    });
    EXPECT_EQ(status, 0) << spent;
  }
  EXPECT_EQ(RunInChild([&] {
              RemoveTheImageOnAFullDisk(mount_point,
                                        [](Store& store) { return PutImage(store, "one", {"a"}); });
            }),
            0);
}

// As above, killed in between.
TEST_F(PruneTest, AContainerWithoutAnUpperCanBeRemoved) {
  const ImageRecord image = PutImage("one", {"a"});
  Must(store_->containers().Create({"web", image.id, "a", false, ""}));
  std::filesystem::rename(Path("containers/web/upper"), Path("containers/web/removed"));
  const FsckReport report = Check();
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].what, "is missing");
  EXPECT_EQ(Must(store_->containers().List()).size(), 1U);
  {
    const ContainerLock lock = Must(store_->containers().Lock("web"));
    ASSERT_TRUE(store_->containers().Remove("web"));
  }
  EXPECT_FALSE(std::filesystem::exists(Path("containers/web")));
  EXPECT_THAT(Check().problems, IsEmpty());
}

TEST(StoreDirectory, IsMadeOnlyWhereThereIsNothingElse) {
  const TempDir dir;
  EXPECT_EQ(Store::Open(dir / "absent", Store::Missing::kFail).error().exit(), ExitCode::kNotFound);
  const std::string foreign = dir / "foreign";
  std::filesystem::create_directory(foreign);
  WriteFile(foreign + "/letter", "dear");
  EXPECT_THAT(Store::Open(foreign).error().message(), HasSubstr("no veneer store"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(foreign), {}), 1);

  const std::string made = dir / "a/b/store";
  Must(Store::Open(made));
  struct stat st;
  ASSERT_EQ(stat(made.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700U);
  // Trees may be deleted at any time, with their directory.
  std::filesystem::remove_all(made + "/trees");
  Must(Store::Open(made));
  EXPECT_TRUE(std::filesystem::is_directory(made + "/trees"));

  WriteFile(made + "/veneer-store", "veneer store, format 2\n");
  EXPECT_THAT(Store::Open(made).error().message(), HasSubstr("has format 2"));
  WriteFile(made + "/veneer-store", "");
  EXPECT_THAT(Store::Open(made).error().message(), HasSubstr("damaged"));
  // Killed before the last step: made whole.
  std::filesystem::remove(made + "/veneer-store");
  Must(Store::Open(made));
}

TEST(StoreDirectory, IsMadeByManyProcessesAtOnce) {
  const TempDir dir;
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    children.push_back(StartChild([&] { Must(Store::Open(dir / "store")); }));
  }
  for (const pid_t pid : children) EXPECT_EQ(WaitFor(pid), 0);
}

}  // namespace
}  // namespace veneer
