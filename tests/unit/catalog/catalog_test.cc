// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a store whose catalog is damaged or lost: nothing is deleted.
#include "layerdb/catalog/catalog.h"

#include <cerrno>

#include "layerdb/store/fsck.h"
#include "layerdb/store/prune.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CatalogTest : public StoreTest {
 protected:
  // With an image and a container that something was written in.
  void Fill() {
    const ImageRecord image = PutImage("one", {"a"});
    Must(store_->containers().Create({"web", image.id, "a", false, ""}));
    WriteFile(Path("containers/web/upper/precious"), "x");
  }
  std::string File() const { return store_->layout().catalog_file(); }

  void ExpectRefused(const std::string& why) {
    const std::vector<std::string> before = Files(".");
    const auto opened = Store::Open(store_->path());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code(), EUCLEAN);
    EXPECT_THAT(opened.error().message(), HasSubstr(File() + " is " + why));
    EXPECT_EQ(opened.error().reason(), Reason::kDamaged);
    EXPECT_EQ(Files("."), before);

    const FsckReport report = FsckUnopened(store_->layout(), opened.error());
    ASSERT_EQ(report.problems.size(), 1U);
    EXPECT_EQ(report.problems[0].path, "catalog/data.mdb");
    EXPECT_THAT(report.problems[0].what, HasSubstr("is " + why));
    EXPECT_EQ(report.problems[0].what.find("fsck"), std::string::npos);
    EXPECT_THAT(report.problems[0].containers, ElementsAre("web"));
  }
};

TEST_F(CatalogTest, IsMissedWhereSomethingIsKept) {
  Fill();
  const std::string whole = ReadFile(File());
  std::filesystem::remove(File());
  ExpectRefused("missing");
  WriteFile(File(), "");
  ExpectRefused("empty");
  // As new as LMDB makes it.
  std::filesystem::remove_all(store_->layout().catalog());
  Must(KvDatabase::Open(store_->layout().catalog()));
  ExpectRefused("empty");
  // The file that makes it a store is no matter.
  std::filesystem::remove(store_->layout().format_file());
  ExpectRefused("empty");
  WriteFile(store_->layout().format_file(), "veneer store, format 1\n");
  for (const char* kept : {"layers", "containers", "objects"}) {
    for (const char* other : {"layers", "containers", "objects"}) {
      if (other != std::string(kept)) {
        std::filesystem::rename(Path(other), dir_ / other);
      }
    }
    EXPECT_FALSE(Store::Open(store_->path()).has_value()) << kept;
    for (const char* other : {"layers", "containers", "objects"}) {
      if (other == std::string(kept)) continue;
      std::filesystem::remove(Path(other));  // the empty one
      std::filesystem::rename(dir_ / other, Path(other));
    }
  }

  WriteFile(File(), whole);
  auto store = Must(Store::Open(store_->path()));
  Must(Prune(*store, {}));
  EXPECT_TRUE(std::filesystem::exists(Path("containers/web/upper/precious")));
  EXPECT_THAT(Must(Fsck(*store, [](uint64_t, uint64_t) {})).problems, IsEmpty());
}

TEST_F(CatalogTest, IsRefusedWhenItIsCutShort) {
  Fill();
  const std::string whole = ReadFile(File());
  int sound = 0;
  for (size_t size = 1; size < whole.size(); size += 1021) {
    WriteFile(File(), whole.substr(0, size));
    const auto opened = Store::Open(store_->path());
    if (!opened) {
      ExpectRefused("damaged");
    } else {
      // Nothing but free pages was cut off.
      ++sound;
      EXPECT_EQ(Must((*opened)->containers().List()).size(), 1U);
      EXPECT_EQ(Must((*opened)->images().List()).size(), 1U);
    }
  }
  EXPECT_LT(sound, 4);
}

TEST_F(CatalogTest, IsMadeAgainWhereNothingIsKept) {
  Fill();
  { const ContainerLock lock = Must(store_->containers().Lock("web")); }
  ASSERT_TRUE(store_->containers().Remove("web"));
  Must(store_->images().Remove("a", RemoveTerms{false}));
  Must(Prune(*store_, {}));  // leaves the empty directories of objects
  std::filesystem::remove_all(store_->layout().catalog());
  EXPECT_TRUE(Store::Open(store_->path()).has_value());
}

// All images may be gone while their layers wait for prune; and an import may have been killed
// before it made the first one.
TEST_F(CatalogTest, MayHaveNoImagesWhereThingsAreKept) {
  { PutLayer(*Must(store_->Begin()), "killed", {{"file", std::string(100, 'x')}}); }
  EXPECT_THAT(Must(Must(Store::Open(store_->path()))->images().List()), IsEmpty());
  PutImage("one", {"a"});
  Must(store_->images().Remove("a", RemoveTerms{false}));
  auto store = Must(Store::Open(store_->path()));
  EXPECT_EQ(Must(Prune(*store, {})).layers, 2U);
}

// A store in the making, whatever step it was killed at.
TEST(CatalogOfANewStore, MayBeMadeInSeveralAttempts) {
  const TempDir dir;
  const StoreLayout layout(dir / "store");
  const auto attempt = [&] {
    const auto store = Store::Open(layout.root());
    EXPECT_TRUE(store.has_value()) << store.error().message();
    std::filesystem::remove_all(layout.root());
  };
  std::filesystem::create_directories(layout.root());
  attempt();
  std::filesystem::create_directories(layout.containers());
  attempt();
  std::filesystem::create_directories(layout.catalog());
  WriteFile(layout.catalog_file(), "");
  attempt();
  std::filesystem::create_directories(layout.root());
  Must(KvDatabase::Open(layout.catalog()));
  attempt();
  for (const char* made : {"layers", "trees", "objects", "blobs/sha256", "containers", "staging"}) {
    std::filesystem::create_directories(layout.root() + "/" + made);
  }
  Must(OpenCatalog(layout));
  attempt();
}

// A catalog of before it said that it was made.
TEST_F(CatalogTest, OfAnEarlierStoreIsTaken) {
  Fill();
  ASSERT_TRUE(store_->catalog().Write([](KvTxn& txn) { return txn.Erase("store"); }));
  EXPECT_TRUE(Store::Open(store_->path()).has_value());
  bool marked = false;
  ASSERT_TRUE(store_->catalog().Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(const auto value, txn.Get("store"));
    marked = value.has_value();
    return {};
  }));
  EXPECT_TRUE(marked);
}

// The first to come makes it, and what it keeps at once is no sign of a loss to the others.
TEST(CatalogOfANewStore, IsMadeByManyAtOnce) {
  for (int round = 0; round < 10; ++round) {
    const TempDir dir;
    std::vector<pid_t> children;
    for (int i = 0; i < 6; ++i) {
      children.push_back(StartChild([&] {
        const auto store = Store::Open(dir / "store");
        ASSERT_TRUE(store.has_value()) << store.error().message();
        Must(Must((*store)->Begin())->PutObject("x" + std::string(100, 'y')));
      }));
    }
    for (const pid_t child : children) EXPECT_EQ(WaitFor(child), 0);
  }
}

}  // namespace
}  // namespace veneer
