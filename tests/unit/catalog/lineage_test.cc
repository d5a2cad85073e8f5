// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/lineage.h"

#include <gmock/gmock.h>

#include <string>

namespace veneer {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Digest Id(const std::string& name) { return Digest::OfBytes(name); }

struct Made {
  std::string parent = {};
  bool step = false;
  bool named = false;
};

ImageListing Image(const std::string& name, const Made& made) {
  ImageListing listing{{Id(name), {}, Id(name), {}, 0, {}}, {}};
  if (!made.parent.empty()) listing.image.parent = Id(made.parent);
  listing.image.step = made.step;
  if (made.named) listing.tags = {name + ":latest"};
  return listing;
}

// base ── one ── two ── app, a build; one ── failed, another; base ── copied, a stage of the first.
std::vector<ImageListing> Build() {
  return {Image("base", {.named = true}),
          Image("one", {.parent = "base", .step = true}),
          Image("two", {.parent = "one", .step = true}),
          Image("app", {.parent = "two", .named = true}),
          Image("failed", {.parent = "one", .step = true}),
          Image("copied", {.parent = "base", .step = true})};
}

TEST(Lineage, StepsAreNeededByWhatAnImageWasMadeOf) {
  std::vector<ImageListing> all = Build();
  EXPECT_THAT(NeededSteps(all, {}), UnorderedElementsAre(Id("one"), Id("two")));
  EXPECT_THAT(NeededSteps(all, {Id("copied")}),
              UnorderedElementsAre(Id("one"), Id("two"), Id("copied")));
  // The result of a build without a name was asked for, too.
  all[3].tags.clear();
  EXPECT_THAT(NeededSteps(all, {}), UnorderedElementsAre(Id("one"), Id("two")));
  all[3].image.step = true;
  EXPECT_THAT(NeededSteps(all, {}), IsEmpty());
}

TEST(Lineage, AStepWithANameIsAnImage) {
  std::vector<ImageListing> all = Build();
  all[4].tags = {"kept:latest"};
  EXPECT_FALSE(IsCachedStep(all[4]));
  all[3].image.step = true;
  all[3].tags.clear();
  EXPECT_THAT(NeededSteps(all, {}), UnorderedElementsAre(Id("one")));
}

TEST(Lineage, WithAnImageGoTheStepsThatOnlyItNeeds) {
  const std::vector<ImageListing> all = Build();
  std::set<Digest> going = {Id("app")};
  AddParents(all, {}, &going);
  EXPECT_THAT(going, UnorderedElementsAre(Id("app"), Id("two"))) << "the failed one needs one";
  going = {Id("app"), Id("failed")};
  AddParents(all, {}, &going);
  EXPECT_THAT(going, UnorderedElementsAre(Id("app"), Id("failed"), Id("two"), Id("one")));
  going = {Id("app"), Id("failed")};
  AddParents(all, {Id("two")}, &going);
  EXPECT_THAT(going, UnorderedElementsAre(Id("app"), Id("failed"))) << "a container has two";
}

TEST(Lineage, TheNearestImageThatWasMadeOfOne) {
  std::vector<ImageListing> all = Build();
  EXPECT_EQ(MadeOf(all, Id("base")), Id("app"));
  EXPECT_EQ(MadeOf(all, Id("two")), Id("app"));
  EXPECT_EQ(MadeOf(all, Id("app")), std::nullopt);
  all[4].tags = {"kept:latest"};
  EXPECT_EQ(MadeOf(all, Id("base")), Id("failed")) << "app is further away";
  all.erase(all.begin() + 3, all.begin() + 5);
  EXPECT_EQ(MadeOf(all, Id("base")), std::nullopt);
}

TEST(Lineage, WhatOthersWereMadeOfStaysWithThem) {
  const std::vector<ImageListing> all = Build();
  std::set<Digest> going = {Id("one"), Id("two"), Id("failed"), Id("copied")};
  KeepParents(all, &going);
  EXPECT_THAT(going, UnorderedElementsAre(Id("failed"), Id("copied")));
  going = {Id("base"), Id("copied")};
  KeepParents(all, &going);
  EXPECT_THAT(going, UnorderedElementsAre(Id("base"), Id("copied"))) << "a name can be removed";
}

}  // namespace
}  // namespace veneer
