// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/images.h"

#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ImageNames, AreCompletedAsDockerDoes) {
  const std::pair<const char*, const char*> kGood[] = {
      {"debian", "debian:latest"},
      {"debian:12", "debian:12"},
      {"docker.io/library/debian:12", "debian:12"},
      {"index.docker.io/library/debian", "debian:latest"},
      {"docker.io/team/app:1", "team/app:1"},
      {"docker.io/library/team/app", "library/team/app:latest"},
      {"localhost:5000/a/b", "localhost:5000/a/b:latest"},
      {"example.org/a:v1.0-rc_1", "example.org/a:v1.0-rc_1"},
      {"a__b/c--d/e.f", "a__b/c--d/e.f:latest"},
      {"Example.org/a", "Example.org/a:latest"},
  };
  for (const auto& [name, full] : kGood) {
    const auto normal = NormalizeTag(name);
    ASSERT_TRUE(normal.has_value()) << name;
    EXPECT_EQ(*normal, full);
  }
  for (const std::string bad :
       {"",     ":",    "a:",     ":b",         "A",    "a b",  "a:b c",
        "a//b", "/a",   "a/",     "-a",         "a-",   "a..b", "a___b",
        "a._b", "../a", "a:../b", "a@sha256:0", "a:-b", "a\n",  "localhost:x/a"}) {
    EXPECT_FALSE(NormalizeTag(bad).has_value()) << bad;
  }
  EXPECT_FALSE(NormalizeTag(std::string(256, 'a')).has_value());
  EXPECT_FALSE(NormalizeTag("a:" + std::string(129, 'a')).has_value());
  EXPECT_EQ(NormalizeTag("A").error().exit(), ExitCode::kUsage);
}

class ImagesTest : public StoreTest {
 protected:
  RemovedImage Removed(const std::string& reference, bool force) {
    return Must(store_->images().Remove(reference, RemoveTerms{force})).front();
  }
};

TEST_F(ImagesTest, AreFoundByNameAndById) {
  const ImageRecord image = PutImage("one", {"debian:12", "debian"});
  EXPECT_EQ(Must(store_->images().Find("debian")).tag, "debian:latest");
  EXPECT_EQ(Must(store_->images().Find("docker.io/library/debian:12")).tag, "debian:12");
  const FoundImage found = Must(store_->images().Find(image.id.hex().substr(0, 12)));
  EXPECT_EQ(found.image.id, image.id);
  EXPECT_EQ(found.tag, "");
  EXPECT_EQ(found.image.diff_ids, image.diff_ids);
  EXPECT_EQ(found.image.chain_id, image.chain_id);
  EXPECT_EQ(found.image.created, image.created);
  EXPECT_EQ(found.image.size, image.size);
  EXPECT_EQ(Must(store_->images().Find(image.id.ToString())).image.id, image.id);
  EXPECT_EQ(Must(store_->images().Find(image.id.hex().substr(0, 1))).image.id, image.id);
  const std::string other = image.id.hex()[0] == '0' ? "1" : "0";
  EXPECT_EQ(store_->images().Find(other).error().exit(), ExitCode::kNotFound);
}

TEST_F(ImagesTest, AreFoundAndRemovedByTheDigestsOfTheirRepositories) {
  const std::string one = "sha256:" + std::string(64, '1');
  const std::string two = "sha256:" + std::string(64, '2');
  ImageRecord image = PutImage("one", {"debian:12", "copy:1"});
  image.repo_digests = {"debian@" + one, "team/app@" + two};
  ASSERT_TRUE(store_->images().Put(image, std::vector<std::string>{}));
  EXPECT_EQ(Must(store_->images().Find("debian@" + one)).tag, "debian:12");
  EXPECT_EQ(Must(store_->images().Find("docker.io/library/debian:12@" + one)).image.id, image.id);
  EXPECT_EQ(Must(store_->images().Find("team/app@" + two)).tag, "");
  EXPECT_FALSE(store_->images().Find("team/app@" + one));
  EXPECT_FALSE(store_->images().Find("copy@" + one));

  EXPECT_THAT(Removed("team/app@" + two, false).untagged, ElementsAre("team/app@" + two));
  EXPECT_FALSE(store_->images().Find("team/app@" + two));
  // With the last tag of a repository go its digests; the image has another name still.
  const RemovedImage untagged = Removed("debian:12", false);
  EXPECT_THAT(untagged.untagged, ElementsAre("debian:12", "debian@" + one));
  EXPECT_FALSE(untagged.deleted);
  EXPECT_EQ(Removed("copy:1", false).deleted, image.id);
}

TEST_F(ImagesTest, ThatHaveADigestAloneGoWithIt) {
  const std::string name = "debian@sha256:" + std::string(64, '1');
  ImageRecord image = PutImage("one", {});
  image.repo_digests = {name};
  ASSERT_TRUE(store_->images().Put(image, std::vector<std::string>{}));
  const RemovedImage removed = Removed(name, false);
  EXPECT_THAT(removed.untagged, ElementsAre(name));
  EXPECT_EQ(removed.deleted, image.id);
}

TEST_F(ImagesTest, KeepWhatBelongsToThemWhenTheyArePutAgain) {
  const ImageRecord image = PutImage("one", {"a"});
  auto session = Must(store_->Begin());
  const Digest first = Must(session->PutBlob("first"));
  const Digest second = Must(session->PutBlob("second"));
  const Digest parent = Digest::OfBytes("parent");
  for (const Digest& blob : {first, second}) {
    ImageRecord again = image;
    again.blobs = {blob};
    if (blob == first) again.parent = parent;
    ASSERT_TRUE(store_->images().Put(again, std::vector<std::string>{"a"}));
  }
  const ImageRecord found = Must(store_->images().Find("a")).image;
  EXPECT_THAT(found.blobs, testing::UnorderedElementsAre(first, second));
  EXPECT_EQ(found.parent, parent);
}

TEST_F(ImagesTest, AreMissed) {
  PutImage("one", {"debian:12"});
  for (const char* name : {"debain:12", "debian", "no such name", "sha256:0"}) {
    const auto found = store_->images().Find(name);
    EXPECT_EQ(found.error().exit(), ExitCode::kNotFound) << name;
    EXPECT_EQ(found.error().message(), std::string("no such image: ") + name);
  }
}

TEST_F(ImagesTest, MoveTheirTags) {
  const ImageRecord one = PutImage("one", {"app"});
  const ImageRecord two = PutImage("two", {"app", "app:2"});
  EXPECT_EQ(Must(store_->images().Find("app")).image.id, two.id);
  ASSERT_TRUE(store_->images().Tag(one.id, "app:1"));
  const std::vector<ImageListing> list = Must(store_->images().List());
  ASSERT_EQ(list.size(), 2U);
  for (const ImageListing& each : list) {
    if (each.image.id == one.id) {
      EXPECT_THAT(each.tags, ElementsAre("app:1"));
    } else {
      EXPECT_THAT(each.tags, ElementsAre("app:2", "app:latest"));
    }
  }
  EXPECT_EQ(store_->images().Tag(Digest::OfBytes("no image"), "x").error().exit(),
            ExitCode::kNotFound);
}

TEST_F(ImagesTest, AreListedNewestFirst) {
  for (const auto& [what, sec] : {std::pair("a", 30), std::pair("b", 50), std::pair("c", 40)}) {
    ImageRecord image = PutImage(what, {what});
    image.created = {sec, 0};
    ASSERT_TRUE(store_->images().Put(image, {}));
  }
  std::string order;
  for (const ImageListing& each : Must(store_->images().List())) order += each.tags.at(0);
  EXPECT_EQ(order, "b:latestc:latesta:latest");
}

TEST_F(ImagesTest, AreRemovedAsDockerDoes) {
  const ImageRecord image = PutImage("one", {"a:1", "a:2", "a:3"});
  RemovedImage removed = Removed("a:1", false);
  EXPECT_THAT(removed.untagged, ElementsAre("a:1"));
  EXPECT_FALSE(removed.deleted.has_value());
  const auto refused = store_->images().Remove(image.id.hex(), RemoveTerms{false});
  EXPECT_EQ(refused.error().exit(), ExitCode::kInUse);
  removed = Removed("a:2", false);
  removed = Removed("a:3", false);
  EXPECT_THAT(removed.untagged, ElementsAre("a:3"));
  EXPECT_EQ(removed.deleted, image.id);
  EXPECT_THAT(Must(store_->images().List()), IsEmpty());
  EXPECT_EQ(store_->images().Remove("a:3", RemoveTerms{false}).error().exit(), ExitCode::kNotFound);

  PutImage("two", {"b:1", "b:2"});
  removed = Removed(Must(store_->images().Find("b:1")).image.id.hex(), true);
  EXPECT_THAT(removed.untagged, ElementsAre("b:1", "b:2"));
}

TEST_F(ImagesTest, AreKeptByTheirContainers) {
  const ImageRecord image = PutImage("one", {"a:1", "a:2"});
  Must(store_->containers().Create({"web", image.id, "a:1", false, ""}));
  Removed("a:1", false);  // only a name
  const auto refused = store_->images().Remove("a:2", RemoveTerms{true});
  EXPECT_EQ(refused.error().exit(), ExitCode::kInUse);
  EXPECT_THAT(refused.error().message(), HasSubstr("container web"));
  EXPECT_EQ(Must(store_->images().Find("a:2")).image.id, image.id);
  {
    const ContainerLock lock = Must(store_->containers().Lock("web"));
    ASSERT_TRUE(store_->containers().Remove("web"));
  }
  EXPECT_TRUE(Removed("a:2", false).deleted.has_value());
}

TEST_F(ImagesTest, NeedTheirLayersAndTheirConfiguration) {
  const ImageRecord good = PutImage("one", {"a"});
  ImageRecord bad = good;
  bad.id = Digest::OfBytes("no blob");
  EXPECT_EQ(store_->images().Put(bad, {}).error().exit(), ExitCode::kNotFound);
  bad = good;
  bad.diff_ids.push_back(Digest::OfBytes("no layer"));
  EXPECT_EQ(store_->images().Put(bad, {}).error().exit(), ExitCode::kNotFound);
  const std::vector<std::string> tags = {"Not A Name"};
  EXPECT_EQ(store_->images().Put(good, tags).error().exit(), ExitCode::kUsage);
}

TEST_F(ImagesTest, SurviveReopening) {
  const ImageRecord image = PutImage("one", {"a"});
  const std::string path = store_->path();
  store_.reset();
  store_ = Must(Store::Open(path, Store::Missing::kFail));
  EXPECT_EQ(Must(store_->images().Find("a")).image.id, image.id);
}

}  // namespace
}  // namespace veneer
