// SPDX-License-Identifier: Apache-2.0
#include "tools/build/build_cache.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

namespace veneer {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Kind = CacheEntry::Kind;

Digest Id(const std::string& name) { return Digest::OfBytes(name); }

CacheEntry Step(const std::string& name, const std::string& parent, int64_t used, uint64_t bytes) {
  CacheEntry entry;
  entry.id = Id(name).hex();
  if (!parent.empty()) entry.parent = Id(parent);
  entry.used = {used, 0};
  entry.bytes = bytes;
  return entry;
}

CacheEntry Directory(const std::string& name, int64_t used, uint64_t bytes) {
  CacheEntry entry = Step(name, "", used, bytes);
  entry.kind = Kind::kDirectory;
  entry.label = "/cache/" + name;
  return entry;
}

class BuildCacheTest : public ::testing::Test {
 protected:
  // a ── b ── c, and two directories: 100 bytes.
  BuildCacheTest()
      : entries_({Step("c", "b", 30, 10), Step("b", "a", 20, 20), Step("a", "base", 10, 40),
                  Directory("old", 5, 10), Directory("new", 40, 20)}) {}

  // The names of those that go.
  std::vector<std::string> Chosen(const CacheChoice& choice) const {
    const std::set<std::string> ids = ChooseFromCache(entries_, choice);
    std::vector<std::string> names;
    for (const char* name : {"a", "b", "c", "old", "new"}) {
      if (ids.contains(Id(name).hex())) names.emplace_back(name);
    }
    return names;
  }
  CacheEntry& Entry(const std::string& name) {
    for (CacheEntry& entry : entries_) {
      if (entry.id == Id(name).hex()) return entry;
    }
    return entries_.front();
  }

  std::vector<CacheEntry> entries_;
};

TEST_F(BuildCacheTest, AllGoButWhatIsInUse) {
  EXPECT_THAT(Chosen({}), ElementsAre("a", "b", "c", "old", "new"));
  Entry("b").in_use = true;
  Entry("new").in_use = true;
  EXPECT_THAT(Chosen({}), ElementsAre("c", "old")) << "a is what b was made of";
}

TEST_F(BuildCacheTest, ByTime) {
  CacheChoice choice;
  choice.until = Timestamp{20, 1};
  EXPECT_THAT(Chosen(choice), ElementsAre("old")) << "c stays, and so what it was made of";
  choice.until = Timestamp{31, 0};
  EXPECT_THAT(Chosen(choice), ElementsAre("a", "b", "c", "old"));
  choice = {};
  choice.directories_until = Timestamp{40, 0};
  EXPECT_THAT(Chosen(choice), ElementsAre("a", "b", "c", "old"));
}

TEST_F(BuildCacheTest, ByKindAndId) {
  CacheChoice choice;
  choice.kind = Kind::kDirectory;
  EXPECT_THAT(Chosen(choice), ElementsAre("old", "new"));
  choice.kind = Kind::kStep;
  EXPECT_THAT(Chosen(choice), ElementsAre("a", "b", "c"));
  choice = {};
  choice.ids = {"/cache/new", Id("c").hex().substr(0, 12)};
  EXPECT_THAT(Chosen(choice), ElementsAre("c", "new"));
  choice.ids = {Id("a").hex()};
  EXPECT_THAT(Chosen(choice), IsEmpty());
}

TEST_F(BuildCacheTest, ADirectoryIsFoundByTheIdOfTheLists) {
  CacheEntry entry = Directory("old", 5, 10);
  EXPECT_EQ(entry.short_id(), entry.id.substr(0, 12));
  entry.id += ".2";
  EXPECT_EQ(entry.short_id(), entry.id.substr(0, 12) + ".2");
  CacheChoice choice;
  choice.ids = {entry.short_id()};
  EXPECT_TRUE(Matches(choice, entry));
  EXPECT_FALSE(Matches(choice, Directory("old", 5, 10)));
}

TEST_F(BuildCacheTest, TheNewestStayUpToASize) {
  CacheChoice choice;
  choice.keep = 100;
  EXPECT_THAT(Chosen(choice), IsEmpty());
  choice.keep = 99;
  EXPECT_THAT(Chosen(choice), ElementsAre("old"));
  choice.keep = 89;
  EXPECT_THAT(Chosen(choice), ElementsAre("c", "old")) << "from the top down";
  choice.keep = 60;
  EXPECT_THAT(Chosen(choice), ElementsAre("b", "c", "old"));
  choice.keep = 20;
  EXPECT_THAT(Chosen(choice), ElementsAre("a", "b", "c", "old"));
  choice.keep = 0;
  EXPECT_THAT(Chosen(choice), ElementsAre("a", "b", "c", "old", "new"));
  Entry("a").shared = true;
  choice.keep = 60;
  EXPECT_THAT(Chosen(choice), IsEmpty()) << "what an image has takes no room in the cache";
}

ImageListing Image(const std::string& name, const std::vector<std::string>& layers,
                   const std::string& parent, bool step) {
  ImageListing listing{{Id(name), {}, Id(name), {}, 0, {}}, {}};
  for (const std::string& layer : layers) listing.image.diff_ids.push_back(Id(layer));
  if (!parent.empty()) listing.image.parent = Id(parent);
  listing.image.step = step;
  if (!step) listing.tags = {name + ":latest"};
  return listing;
}

TEST(BuildCacheSteps, ALayerCountsForTheStepThatMadeIt) {
  const std::vector<ImageListing> all = {
      Image("label", {"base", "x", "y"}, "run", true),
      Image("run", {"base", "x", "y"}, "copy", true),
      Image("copy", {"base", "x"}, "base", true),
      Image("other", {"base", "x", "z"}, "copy", true),
      Image("app", {"base", "x", "z"}, "other", false),
      Image("base", {"base"}, "", false),
  };
  const std::map<Digest, uint64_t> sizes = {
      {Id("base"), 1000}, {Id("x"), 100}, {Id("y"), 10}, {Id("z"), 1}};
  struct Row {
    uint64_t bytes;
    bool shared, in_use;
    bool operator==(const Row&) const = default;
  };
  std::map<std::string, Row> rows;
  for (const CacheEntry& entry : StepEntries(all, {}, sizes)) {
    for (const char* name : {"label", "run", "copy", "other"}) {
      if (entry.id == Id(name).hex()) rows[name] = {entry.bytes, entry.shared, entry.in_use};
    }
  }
  EXPECT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows["run"], (Row{10, false, false}));
  EXPECT_EQ(rows["label"], (Row{0, false, false}));
  EXPECT_EQ(rows["other"], (Row{1, true, true}));
  EXPECT_EQ(rows["copy"], (Row{100, true, true}));
}

}  // namespace
}  // namespace veneer
