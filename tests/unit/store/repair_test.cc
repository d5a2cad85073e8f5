// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/repair.h"

#include <sys/stat.h>

#include <functional>

#include "layerdb/objects/content_hash.h"
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
  // After a power cut it may be such, and nothing is lost.
  EXPECT_THAT(Check().stale_trees, ElementsAre(image.chain_id));
  EXPECT_THAT(RepairAll(), IsEmpty());
  EXPECT_EQ(Check().trees, 0U);
  Must(store_->EnsureTree(image.diff_ids));
  EXPECT_EQ(Check().trees, 1U);
  EXPECT_THAT(Check().stale_trees, IsEmpty());
}

TEST_F(RepairTest, ATreeOfOtherLayersThanItsOwnIsRemovedAndMadeAgain) {
  const ImageRecord one = PutImage("one", {"a"});
  const ImageRecord two = PutImage("two", {"b"});
  const StoreLayout& layout = store_->layout();
  Must(store_->EnsureTree(one.diff_ids));
  const std::string other = ReadFile(Must(store_->EnsureTree(two.diff_ids)));
  WriteFile(layout.tree(one.chain_id), other);
  const FsckReport report = Check();
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].kind, FsckKind::kTree);
  EXPECT_EQ(report.problems[0].path, "trees/" + one.chain_id.hex());
  EXPECT_THAT(report.problems[0].what, HasSubstr("its layers do not have"));
  EXPECT_THAT(report.problems[0].images, ElementsAre("a:latest"));
  for (const RepairOutcome& outcome : RepairAll()) EXPECT_TRUE(outcome.whole) << outcome.what;
  EXPECT_THAT(Check().problems, IsEmpty());
  EXPECT_NE(ReadFile(Must(store_->EnsureTree(one.diff_ids))), other);
}

// As long as its layer cannot be read, the tree is all that there is.
TEST_F(RepairTest, TheTreeOfALostLayerStays) {
  const ImageRecord image = PutImage("one", {"a"});
  const std::string tree = Must(store_->EnsureTree(image.diff_ids));
  const std::string index = store_->layout().layer_index(image.diff_ids[0]);
  std::filesystem::remove(index);
  WriteFile(index, "damaged");
  const FsckReport report = Check();
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].kind, FsckKind::kLayer);
  RepairAll();
  EXPECT_TRUE(std::filesystem::exists(tree));
}

// A directory, a link, a fifo: nothing hangs, and all of it comes back.
TEST_F(RepairTest, WhatIsInThePlaceOfTheStoresOwnGivesWay) {
  const std::vector<std::function<void(const std::string&)>> impostors = {
      [](const std::string& path) { std::filesystem::create_directories(path + "/dir"); },
      [](const std::string& path) { std::filesystem::create_symlink("/etc/passwd", path); },
      [](const std::string& path) { ASSERT_EQ(mkfifo(path.c_str(), 0600), 0); }};
  for (const auto& put : impostors) {
    const ImageRecord image = PutImage("one", {"a"});
    Must(store_->EnsureTree(image.diff_ids));
    const StoreLayout& layout = store_->layout();
    const Digest layer = image.diff_ids[0];
    const std::string object = ObjectOf(std::string(9000, 's'));
    for (const std::string& path :
         {Path(object), layout.tree(image.chain_id), layout.blob(image.id),
          layout.layer_index(layer), layout.layer_tar_split(layer), layout.layer(layer),
          Path(object.substr(0, object.rfind('/')))}) {
      std::filesystem::remove_all(path);
      put(path);
      const FsckReport report = Check();
      EXPECT_EQ(report.problems.empty(), path == layout.tree(image.chain_id)) << path;
      RepairAll();
      PutImage("one", {"a"});
      Must(store_->EnsureTree(image.diff_ids));
      RepairAll();
      for (const FsckProblem& problem : Check().problems) ADD_FAILURE() << path << problem.what;
    }
    EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
  }
}

TEST_F(RepairTest, AContainerThatLostItsFilesGoesAndOneThatLostItsWorkStays) {
  const ImageRecord image = PutImage("one", {"a"});
  for (const char* name : {"gone", "empty", "idle", "sound"}) {
    Must(store_->containers().Create({name, image.id, "a", false, ""}));
  }
  std::filesystem::remove_all(Path("containers/gone"));
  std::filesystem::remove_all(Path("containers/empty/upper"));
  std::filesystem::remove_all(Path("containers/idle/work"));
  WriteFile(Path("containers/idle/upper/file"), "kept");
  EXPECT_EQ(Check().problems.size(), 3U);
  EXPECT_FALSE(std::filesystem::exists(Path("containers/gone"))) << "a check changes nothing";
  for (const RepairOutcome& outcome : RepairAll()) EXPECT_TRUE(outcome.whole) << outcome.what;
  EXPECT_THAT(Check().problems, IsEmpty());
  std::vector<std::string> left;
  for (const ContainerRecord& each : Must(store_->containers().List())) left.push_back(each.name);
  EXPECT_THAT(left, ElementsAre("idle", "sound"));
  EXPECT_EQ(Files("containers"), (std::vector<std::string>{"containers/idle/upper/file"}));
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

TEST_F(RepairTest, ALostTarSplitComesBackWithTheLayer) {
  const ImageRecord image = PutImage("one", {"a"});
  std::filesystem::remove(store_->layout().layer_tar_split(image.diff_ids[0]));
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
