// SPDX-License-Identifier: Apache-2.0
//
// Merged trees of layers that a load has replaced: mounts go on with them, and whoever is killed
// leaves none behind.
#include <sys/syscall.h>
#include <unistd.h>

#include "layerdb/catalog/lease.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/store/fsck.h"
#include "layerdb/store/prune.h"
#include "tests/unit/base/refuse_system_call.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::IsEmpty;

// What rename(3) calls.
#ifdef SYS_rename
constexpr uint32_t kRename = SYS_rename;
#else
constexpr uint32_t kRename = SYS_renameat;
#endif

class OldTreesTest : public StoreTest {
 protected:
  PruneReport Run(PruneOptions options = {}) { return Must(Prune(*store_, options)); }
  FsckReport Check() {
    return Must(Fsck(*store_, [](uint64_t, uint64_t) {}));
  }
};

// Programs before this one left such trees, and new mounts use them.
TEST_F(OldTreesTest, KeepsWhatATreeNamesAlthoughItsLayersDoNot) {
  const ImageRecord one = PutImage("one", {"a"});
  const ImageRecord two = PutImage("two", {"b"});
  Must(store_->EnsureTree(one.diff_ids));
  WriteFile(store_->layout().tree(one.chain_id), ReadFile(Must(store_->EnsureTree(two.diff_ids))));
  Must(store_->images().Remove("b", RemoveTerms{false}));
  EXPECT_EQ(Run({.dry_run = true}).objects, 0U);
  EXPECT_EQ(Run().objects, 0U);
  std::filesystem::remove(store_->layout().tree(one.chain_id));
  EXPECT_EQ(Run().objects, 1U);
}

// A layer that could not be read has been loaded again, with its contents in other objects.
TEST_F(OldTreesTest, KeepsWhatAMountedContainerUsesOfALayerThatWasReplaced) {
  const ImageRecord image = PutImage("one", {"a"});
  Must(store_->containers().Create({"web", image.id, "a", false, ""}));
  Must(store_->EnsureTree(image.diff_ids));
  std::optional<Fd> mounted =
      Must(TakeLease(store_->layout().work("web"), std::chrono::milliseconds(0)));
  ASSERT_TRUE(mounted);
  PutLayer(*Must(store_->Begin()), "one", {{"large", "one, again" + std::string(5000, '.')}});
  const std::string old_large =
      Path("objects/" + ObjectPath({HashContent("one" + std::string(5000, '.')), 0}));
  EXPECT_FALSE(std::filesystem::exists(store_->layout().tree(image.chain_id)));
  EXPECT_EQ(Run({.dry_run = true}).objects, 0U);
  Run();
  EXPECT_TRUE(std::filesystem::exists(old_large));
  EXPECT_THAT(Check().problems, IsEmpty());
  Must(store_->EnsureTree(image.diff_ids));  // another container is mounted
  PutLayer(*Must(store_->Begin()), "one",
           {{"large", "one, a third time" + std::string(5000, '.')}});
  Run();
  EXPECT_TRUE(std::filesystem::exists(old_large));

  mounted.reset();
  EXPECT_EQ(Run().trees, 2U);
  EXPECT_FALSE(std::filesystem::exists(old_large));
  EXPECT_THAT(Files("trees"), IsEmpty());
  EXPECT_THAT(Check().problems, IsEmpty());
}

// It is killed, or fails, when the new layer is in its place and the trees of the old one are still
// there.
TEST_F(OldTreesTest, ALoadThatDiesWhileItReplacesALayerIsMadeGoodByTheNext) {
  const ImageRecord image = PutImage("one", {"a"});
  const std::string tree = Must(store_->EnsureTree(image.diff_ids));
  const std::string index = store_->layout().layer_index(image.diff_ids[0]);
  const std::string before = ReadFile(index);
  const auto stage = [&](StoreWriter& session) {
    return StageLayer(session, {{"large", "one, again" + std::string(5000, '.')}});
  };
  const pid_t child = ::fork();
  if (child == 0) {
    auto session = Must(store_->Begin());
    const std::string dir = stage(*session);
    if (!RefuseSystemCall(SYS_unlinkat, EIO) || !RefuseSystemCall(kRename, EIO)) _exit(2);
    _exit(session->PublishLayer(dir, image.diff_ids[0]) ? 1 : 0);
  }
  ASSERT_EQ(WaitFor(child), 0);
  ASSERT_NE(ReadFile(index), before);
  Run();
  const auto whole = [&] {
    const auto objects = Must(ObjectStore::Open(store_->layout().objects()));
    const auto reader = Must(IndexReader::Open(Must(store_->EnsureTree(image.diff_ids))));
    return reader->ForEach([&](uint64_t, std::string_view name, const IndexReader::Record& found) {
      if (const auto ref = found.entry.object()) {
        EXPECT_TRUE(objects->OpenObject(*ref)) << name;
      }
      return true;
    });
  };
  EXPECT_TRUE(whole()) << "until then it is as before";

  auto session = Must(store_->Begin());
  EXPECT_FALSE(session->HasSoundLayer(image.diff_ids[0])) << "so that a load reads it";
  ASSERT_TRUE(session->PublishLayer(stage(*session), image.diff_ids[0]));
  EXPECT_TRUE(session->HasSoundLayer(image.diff_ids[0]));
  EXPECT_FALSE(std::filesystem::exists(tree));
  session.reset();
  Run();
  EXPECT_TRUE(whole());
  EXPECT_THAT(Check().problems, IsEmpty());
}

}  // namespace
}  // namespace veneer
