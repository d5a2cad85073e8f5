// SPDX-License-Identifier: Apache-2.0
//
// Images that go, with what only they need; and what the store says of its size before and after.
#include "layerdb/store/remove_image.h"

#include <chrono>

#include "layerdb/catalog/records.h"
#include "layerdb/index/kv.h"
#include "layerdb/store/fsck.h"
#include "layerdb/store/prune.h"
#include "layerdb/store/usage.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RemoveImageTest : public StoreTest {
 protected:
  RemovedImage Remove(const std::string& reference, RemoveImageOptions options = {}) {
    return Must(RemoveImage(*store_, reference, options)).removed.front();
  }
  // An image of the layers of others.
  ImageRecord Stack(const std::string& what, const std::vector<Digest>& diff_ids,
                    const std::vector<std::string>& tags, std::vector<Digest> blobs = {}) {
    auto session = Must(store_->Begin());
    const Digest id = Must(session->PutBlob("{\"config\":\"" + what + "\"}"));
    const ImageRecord image{id, diff_ids, ChainIdOf(diff_ids), {2000, 0}, 1, std::move(blobs)};
    const Result<void> put = store_->images().Put(image, tags);
    EXPECT_TRUE(put.has_value()) << put.error().message();
    return image;
  }
  void ExpectSound() {
    EXPECT_THAT(Must(Fsck(*store_, [](uint64_t, uint64_t) {})).problems, IsEmpty());
  }
};

TEST_F(RemoveImageTest, TakesWhatOnlyItNeedsAndLeavesTheRest) {
  const ImageRecord one = PutImage("one", {"a"});
  const ImageRecord two = PutImage("two", {"b"});
  const Digest base = one.diff_ids[0];
  const Digest top = two.diff_ids[0];
  const ImageRecord both = Stack("both", {base, top, base}, {"c"});
  Must(store_->EnsureTree(both.diff_ids));
  Must(store_->EnsureTree(two.diff_ids));

  EXPECT_THAT(Remove("b").layers, IsEmpty());  // `both` has it
  EXPECT_FALSE(store_->HasBlob(two.id));
  EXPECT_FALSE(std::filesystem::exists(store_->layout().tree(two.chain_id)));
  EXPECT_TRUE(store_->HasLayer(top));

  const RemovedImage removed = Remove("c");
  EXPECT_THAT(removed.untagged, ElementsAre("c:latest"));
  EXPECT_EQ(removed.deleted, both.id);
  EXPECT_THAT(removed.layers, ElementsAre(top));
  EXPECT_FALSE(store_->HasLayer(top));
  EXPECT_TRUE(store_->HasLayer(base));
  EXPECT_TRUE(store_->HasBlob(one.id));
  EXPECT_THAT(Files("staging"), IsEmpty());
  ExpectSound();

  EXPECT_THAT(Remove("a").layers, ElementsAre(base));
  EXPECT_THAT(Files("layers"), IsEmpty());
  EXPECT_THAT(Files("blobs"), IsEmpty());
  EXPECT_EQ(Must(Prune(*store_, {})).objects, 3U);
  EXPECT_THAT(Files("objects"), IsEmpty());
}

// As Docker, which knows a layer by those below it.
TEST_F(RemoveImageTest, TellsTheChainsThatGo) {
  const Digest a = PutImage("one", {"a"}).diff_ids[0];
  const Digest b = PutImage("two", {"b"}).diff_ids[0];
  const std::vector<Digest> below = {a, b};
  const std::vector<Digest> whole = {a, b, a};
  Stack("below", below, {"below"});
  Stack("whole", whole, {"whole"});
  EXPECT_THAT(Remove("b").chains, ElementsAre(ChainIdOf({&b, 1})));  // the layer itself stays
  EXPECT_TRUE(store_->HasLayer(b));
  EXPECT_THAT(Remove("whole").chains, ElementsAre(ChainIdOf(whole)));
  Must(store_->containers().Create(
      {"web", Must(store_->images().Find("a")).image.id, "", false, ""}));
  EXPECT_THAT(Remove("below").chains, ElementsAre(ChainIdOf(below)));
}

TEST_F(RemoveImageTest, TakesTheUnnamedParentsWithTheLastChild) {
  const ImageRecord base = PutImage("one", {"base"});
  const Digest top = PutImage("two", {"other"}).diff_ids[0];
  std::vector<Digest> layers = base.diff_ids;
  std::vector<ImageRecord> line = {base};
  for (int i = 0; i < 4; ++i) {
    layers.push_back(top);
    ImageRecord image = Stack("step" + std::to_string(i), layers, {});
    image.parent = line.back().id;
    ASSERT_TRUE(store_->images().Put(image, {}));
    line.push_back(image);
  }
  ImageRecord second = Stack("second", line[2].diff_ids, {"second"});
  second.parent = line[2].id;
  ASSERT_TRUE(store_->images().Put(second, {}));
  const auto ids = [&](const RemoveImageReport& report) {
    std::vector<Digest> out;
    for (const RemovedImage& image : report.removed) out.push_back(image.deleted.value());
    return out;
  };
  const auto remove = [&](const std::string& id, bool keep) {
    RemoveImageOptions options;
    options.terms.keep_parents = keep;
    return Must(RemoveImage(*store_, id, options));
  };
  EXPECT_THAT(ids(remove(line[4].id.hex(), true)), ElementsAre(line[4].id));
  // Up to the one that has another child.
  RemoveImageReport report = remove(line[3].id.hex(), false);
  EXPECT_THAT(ids(report), ElementsAre(line[3].id));
  EXPECT_THAT(report.removed[0].chains, ElementsAre(line[3].chain_id));
  Must(store_->containers().Create({"web", line[2].id, "", false, ""}));
  EXPECT_THAT(ids(remove("second", false)), ElementsAre(second.id));
  {
    const ContainerLock lock = Must(store_->containers().Lock("web"));
    ASSERT_TRUE(store_->containers().Remove("web"));
  }
  report = remove(line[2].id.hex(), false);  // and not the one that has a name
  EXPECT_THAT(ids(report), ElementsAre(line[2].id, line[1].id));
  EXPECT_THAT(report.removed[0].chains, ElementsAre(line[2].chain_id));
  EXPECT_THAT(report.removed[1].chains, ElementsAre(line[1].chain_id));
  EXPECT_EQ(Must(store_->images().Find("base")).image.id, base.id);
  ExpectSound();
}

// As Docker: a name can go, the image cannot.
TEST_F(RemoveImageTest, KeepsWhatAnotherImageWasMadeFrom) {
  for (const bool named : {true, false}) {
    const ImageRecord base = PutImage("one", {"base:1", "base:2"});
    std::vector<Digest> layers = base.diff_ids;
    layers.push_back(PutImage("two", {"other"}).diff_ids[0]);
    ImageRecord child = Stack("child", layers, {});
    child.parent = base.id;
    const std::vector<std::string> names = {"child"};
    ASSERT_TRUE(store_->images().Put(child, named ? names : std::vector<std::string>{}));
    for (const bool force : {false, true}) {
      const auto refused = RemoveImage(*store_, base.id.hex(), {{force, 2}, false});
      EXPECT_EQ(refused.error().exit(), ExitCode::kInUse);
      EXPECT_THAT(refused.error().message(),
                  HasSubstr("image " + child.id.hex().substr(0, 12) + " was made from it"));
    }
    EXPECT_FALSE(Remove("base:1").deleted);
    const RemovedImage untagged = Remove("base:2");
    EXPECT_THAT(untagged.untagged, ElementsAre("base:2"));
    EXPECT_FALSE(untagged.deleted);
    EXPECT_EQ(RemoveImage(*store_, base.id.hex(), {{true, 1}, false}).error().exit(),
              ExitCode::kInUse);
    const RemoveImageReport report = Must(RemoveImage(*store_, child.id.hex(), {}));
    ASSERT_EQ(report.removed.size(), 2U);
    EXPECT_EQ(report.removed[1].deleted, base.id);
    ExpectSound();
  }
}

TEST_F(RemoveImageTest, LeavesWhatAContainerOfTheSameLayersNeeds) {
  const ImageRecord one = PutImage("one", {"a"});
  const ImageRecord same = Stack("same", one.diff_ids, {"b"});
  Must(store_->containers().Create({"web", same.id, "b", false, ""}));
  const RemovedImage removed = Remove("a");
  EXPECT_EQ(removed.deleted, one.id);
  EXPECT_THAT(removed.layers, IsEmpty());
  EXPECT_TRUE(store_->HasLayer(one.diff_ids[0]));
  EXPECT_TRUE(std::filesystem::exists(store_->layout().tree(one.chain_id)));
  const auto refused = RemoveImage(*store_, "b", {{true, 1}, false});
  EXPECT_EQ(refused.error().exit(), ExitCode::kInUse);
  EXPECT_THAT(refused.error().message(), HasSubstr("being used by container web"));
  ExpectSound();
}

TEST_F(RemoveImageTest, KeepsTheLayersWhenAskedOrWhenSomebodyWrites) {
  const ImageRecord one = PutImage("one", {"a"});
  EXPECT_THAT(Remove("a", {{}, true}).layers, IsEmpty());
  EXPECT_TRUE(store_->HasLayer(one.diff_ids[0]));
  Stack("again", one.diff_ids, {"a"});
  {
    const auto session = Must(store_->Begin());
    const RemoveImageReport report = Must(RemoveImage(*store_, "a", {}));
    EXPECT_TRUE(report.writers_active);
    EXPECT_TRUE(report.removed.front().deleted.has_value());
    EXPECT_THAT(report.removed.front().layers, IsEmpty());
    EXPECT_TRUE(store_->HasLayer(one.diff_ids[0]));
  }
  EXPECT_EQ(Must(Prune(*store_, {})).layers, 1U);
}

TEST_F(RemoveImageTest, GoesByDigest) {
  auto session = Must(store_->Begin());
  const Digest manifest = Must(session->PutBlob("manifest"));
  session.reset();
  const ImageRecord one = PutImage("one", {});
  const ImageRecord image = Stack("x", one.diff_ids, {"r/app:1", "r/app:2", "other"}, {manifest});
  const std::string digest = "@" + manifest.ToString();
  EXPECT_EQ(Must(store_->images().Find("r/app" + digest)).image.id, image.id);
  EXPECT_EQ(Must(store_->images().Find("r/app:2" + digest)).tag, "r/app:2");
  EXPECT_EQ(Must(store_->images().Find("other@" + image.id.ToString())).tag, "other:latest");
  for (const std::string& bad : {"none" + digest, "r/app:3" + digest, "r/app@" + one.id.ToString(),
                                 std::string("r/app@sha256:../../x"), std::string("@")}) {
    EXPECT_EQ(store_->images().Find(bad).error().exit(), ExitCode::kNotFound) << bad;
  }
  RemovedImage removed = Remove("r/app" + digest);
  EXPECT_THAT(removed.untagged, ElementsAre("r/app:1", "r/app:2", "r/app" + digest));
  EXPECT_FALSE(removed.deleted.has_value());
  removed = Remove("other" + digest);
  EXPECT_EQ(removed.deleted, image.id);
  EXPECT_FALSE(store_->HasBlob(manifest));
  EXPECT_TRUE(store_->HasLayer(one.diff_ids[0]));
}

TEST_F(RemoveImageTest, AnIdMayStandForAsManyNamesAsTold) {
  const ImageRecord one = PutImage("one", {"a", "b"});
  const auto refused = RemoveImage(*store_, one.id.hex(), {});
  EXPECT_EQ(refused.error().exit(), ExitCode::kInUse);
  EXPECT_THAT(refused.error().message(), HasSubstr("a:latest, b:latest"));
  EXPECT_THAT(Remove(one.id.hex(), {{false, 2}, false}).untagged,
              ElementsAre("a:latest", "b:latest"));
}

TEST_F(RemoveImageTest, IsQuickAmongAThousand) {
  const ImageRecord one = PutImage("one", {"one"});
  ImageRecord many = one;
  for (int i = 1; i < 20; ++i) many.diff_ids.push_back(one.diff_ids[0]);
  ASSERT_TRUE(store_->catalog().Write([&](KvTxn& txn) -> Result<void> {
    for (int i = 0; i < 1000; ++i) {
      many.id = Digest::OfBytes(std::to_string(i));
      VENEER_TRY_VOID(txn.Put(ImageKey(many.id), EncodeImage(many)));
      VENEER_TRY_VOID(txn.Put(TagKey("many:" + std::to_string(i)), many.id.hex()));
    }
    return {};
  }));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Remove("one").layers, IsEmpty());
  const auto took = std::chrono::steady_clock::now() - begin;
  // A tenth of it on a machine with nothing else to do.
  EXPECT_LT(std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), 500);
}

TEST_F(RemoveImageTest, PruneTakesTheImagesItIsTold) {
  const ImageRecord one = PutImage("one", {"a", "b"});
  const ImageRecord two = PutImage("two", {"c"});
  const ImageRecord three = PutImage("three", {});
  Must(store_->containers().Create({"web", two.id, "c", false, ""}));
  PruneOptions options;
  options.images = {one.id, two.id, three.id};
  options.keep_named = true;
  PruneReport report = Must(Prune(*store_, options));
  ASSERT_THAT(report.removed_images, SizeIs(1));
  EXPECT_EQ(report.removed_images[0].deleted, three.id);
  EXPECT_THAT(report.removed_images[0].chains, ElementsAre(three.chain_id));
  EXPECT_FALSE(store_->HasLayer(three.diff_ids[0]));
  options.keep_named = false;
  report = Must(Prune(*store_, options));
  ASSERT_THAT(report.removed_images, SizeIs(1));
  EXPECT_THAT(report.removed_images[0].untagged, ElementsAre("a:latest", "b:latest"));
  EXPECT_GT(report.bytes_freed, 5000U);
  EXPECT_EQ(store_->images().Find("a").error().exit(), ExitCode::kNotFound);
  EXPECT_THAT(Must(store_->images().List()), SizeIs(1));
  ExpectSound();
}

TEST_F(RemoveImageTest, TheSizeOfTheStoreIsTheSumOfItsParts) {
  const ImageRecord one = PutImage("one", {"a"});
  const ImageRecord two = PutImage("two", {"b"});
  Must(store_->EnsureTree(two.diff_ids));
  Must(store_->containers().Create({"web", one.id, "a", false, ""}));
  WriteFile(Path("containers/web/upper/file"), std::string(100'000, 'x'));
  StoreUsage usage = Must(MeasureUsage(*store_));
  EXPECT_EQ(usage.images.total, 2U);
  EXPECT_EQ(usage.images.active, 1U);
  EXPECT_EQ(usage.containers.total, 1U);
  EXPECT_EQ(usage.containers.active, 0U);
  EXPECT_EQ(usage.containers.reclaimable, usage.container_bytes["web"]);
  EXPECT_GE(usage.container_bytes["web"], 100'000U);
  EXPECT_EQ(usage.objects.total, 3U);
  EXPECT_EQ(usage.objects.active, 2U);
  EXPECT_EQ(usage.unpacked, one.size + two.size);
  const std::string command = "du -s --block-size=1 " + store_->path();
  FILE* du = popen(command.c_str(), "r");
  ASSERT_NE(du, nullptr);
  unsigned long long bytes = 0;
  EXPECT_EQ(fscanf(du, "%llu", &bytes), 1);
  pclose(du);
  EXPECT_EQ(usage.bytes(), bytes);

  // What is said to come back does.
  PruneOptions options;
  options.images = {two.id};
  const PruneReport report = Must(Prune(*store_, options));
  EXPECT_GE(report.bytes_freed + 20'000, usage.images.reclaimable + usage.objects.reclaimable);
  usage = Must(MeasureUsage(*store_));
  EXPECT_EQ(usage.images.reclaimable, 0U);
  EXPECT_EQ(usage.objects.reclaimable, 0U);
}

TEST_F(RemoveImageTest, StepsOfBuildsStayUnlessOnlyTheRemovedImageNeedsThem) {
  const ImageRecord base = PutImage("base", {"base"});
  const auto put_step = [&](const std::string& name, const Digest& parent) {
    ImageRecord step = PutImage(name, {});
    step.parent = parent;
    step.step = true;
    EXPECT_TRUE(store_->catalog().Write(
        [&](KvTxn& txn) { return txn.Put(ImageKey(step.id), EncodeImage(step)); }));
    return step;
  };
  const ImageRecord shared = put_step("shared", base.id);
  const ImageRecord own = put_step("own", shared.id);
  const ImageRecord leaf = put_step("leaf", shared.id);
  ImageRecord app = PutImage("app", {});
  app.parent = own.id;
  ASSERT_TRUE(store_->images().Put(app, {}));

  std::filesystem::create_directories(Path("caches/some/data"));
  WriteFile(Path("caches/some/data/file"), std::string(100'000, 'x'));
  StoreUsage usage = Must(MeasureUsage(*store_));
  EXPECT_EQ(usage.images.total, 2U);
  EXPECT_EQ(usage.build_cache.total, 4U);
  EXPECT_EQ(usage.build_cache.active, 2U);
  EXPECT_GT(usage.build_cache.reclaimable, 100'000U);
  EXPECT_GT(usage.build_cache.bytes, usage.build_cache.reclaimable) << "needed steps, and caches/";
  EXPECT_EQ(usage.image_list.size(), 2U);

  const auto steps = [&] {
    std::set<Digest> left;
    for (const ImageListing& listing : Must(store_->images().List())) {
      if (listing.image.step) left.insert(listing.image.id);
    }
    return left;
  };
  // What a choice names that something needs stays.
  PruneOptions options;
  options.images = {app.id, shared.id, own.id};
  options.keep_named = options.keep_asked_for = true;
  EXPECT_THAT(Must(Prune(*store_, options)).removed_images, IsEmpty());
  EXPECT_EQ(steps().size(), 3U);

  EXPECT_EQ(Must(Prune(*store_, {.untagged_images = true})).images, 2U) << "app, and own with it";
  EXPECT_EQ(steps(), (std::set<Digest>{shared.id, leaf.id}));
  options.images = {shared.id, leaf.id};
  EXPECT_THAT(Must(Prune(*store_, options)).removed_images, SizeIs(2));
  EXPECT_EQ(steps(), std::set<Digest>());
  EXPECT_TRUE(std::filesystem::exists(Path("caches/some/data/file")));
  EXPECT_EQ(Must(MeasureUsage(*store_)).build_cache.total, 1U);
  ExpectSound();
}

}  // namespace
}  // namespace veneer
