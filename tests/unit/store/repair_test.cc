// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/repair.h"

#include "layerdb/store/fsck.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RepairTest : public StoreTest {
 protected:
  FsckReport Check() {
    return Must(Fsck(*store_, [](uint64_t, uint64_t) {}));
  }
  std::vector<RepairOutcome> RepairAll() { return Must(Repair(*store_, Check())); }
  bool IsSound(const Digest& layer) { return Must(store_->Begin())->HasSoundLayer(layer); }

  static std::string ObjectOf(const std::string& bytes) {
    return "objects/" + ObjectPath(ObjectRef{HashContent(bytes), 0});
  }
};

TEST_F(RepairTest, ADamagedTreeIsRemovedAndMadeAgain) {
  const ImageRecord image = PutImage("one", {"a"});
  Must(store_->EnsureTree(image.diff_ids));
  WriteFile(store_->layout().tree(image.chain_id), "x");
  const std::vector<RepairOutcome> outcomes = RepairAll();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes[0].whole);
  EXPECT_THAT(Check().problems, IsEmpty());
  Must(store_->EnsureTree(image.diff_ids));
  EXPECT_EQ(Check().trees, 1U);
  EXPECT_THAT(Check().problems, IsEmpty());
}

TEST_F(RepairTest, ALayerWithADamagedObjectIsReadAgainAndPutRightForAll) {
  const ImageRecord one = PutImage("one", {"a"});
  const ImageRecord two = PutImage("two", {"b"});
  // Of the right size, so that only its contents tell.
  WriteFile(Path(ObjectOf(std::string(9000, 's'))), std::string(9000, 't'));
  EXPECT_TRUE(IsSound(one.diff_ids[0]));
  const std::vector<RepairOutcome> outcomes = RepairAll();
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_FALSE(outcomes[0].whole);
  EXPECT_THAT(outcomes[0].what, HasSubstr("load"));
  EXPECT_FALSE(IsSound(one.diff_ids[0]));
  EXPECT_FALSE(IsSound(two.diff_ids[0]));
  EXPECT_EQ(Check().problems.size(), 1U) << "nothing is taken away";

  PutImage("one", {"a"});  // a load of the same archive
  EXPECT_THAT(Check().problems, IsEmpty());
  EXPECT_TRUE(IsSound(one.diff_ids[0]));
  EXPECT_FALSE(IsSound(two.diff_ids[0]));
  EXPECT_THAT(Check().marked, ElementsAre(two.diff_ids[0]));
  EXPECT_THAT(RepairAll(), IsEmpty());
  EXPECT_TRUE(IsSound(two.diff_ids[0]));
  EXPECT_THAT(Check().marked, IsEmpty());
}

TEST_F(RepairTest, ALostRecipeComesBackWithTheLayer) {
  const ImageRecord image = PutImage("one", {"a"});
  std::filesystem::remove(store_->layout().layer_recipe(image.diff_ids[0]));
  EXPECT_EQ(RepairAll().size(), 1U);
  PutImage("one", {"a"});
  EXPECT_THAT(Check().problems, IsEmpty());
}

TEST_F(RepairTest, ALostLayerAndALostConfigComeBackToo) {
  const ImageRecord image = PutImage("one", {"a"});
  std::filesystem::remove_all(store_->layout().layer(image.diff_ids[0]));
  WriteFile(store_->layout().blob(image.id), "x");
  const std::vector<RepairOutcome> outcomes = RepairAll();
  ASSERT_EQ(outcomes.size(), Check().problems.size());
  for (const RepairOutcome& outcome : outcomes) EXPECT_FALSE(outcome.whole);
  PutImage("one", {"a"});
  EXPECT_THAT(Check().problems, IsEmpty());
}

}  // namespace
}  // namespace veneer
