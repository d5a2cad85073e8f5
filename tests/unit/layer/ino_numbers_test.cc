// SPDX-License-Identifier: Apache-2.0
#include "layerdb/layer/ino_numbers.h"

#include <gtest/gtest.h>

#include <set>

namespace veneer {
namespace {

constexpr uint64_t kSmall = uint64_t{1} << 32;

TEST(InoNumbers, OfOneFileSystemAreItsOwn) {
  for (const bool join : {false, true}) {
    const InoNumbers numbers({5}, 5, join);
    EXPECT_EQ(numbers.Of({1, 77}), 77U);
    EXPECT_EQ(numbers.OfUpper(79), 79U);
    EXPECT_EQ(numbers.OfUpper(kSmall * 7), kSmall * 7);
  }
}

TEST(InoNumbers, OfSeveralFileSystemsAreSmallAndDifferent) {
  const InoNumbers numbers({5, 6, 9, 7}, 8, true);
  std::set<uint64_t> seen;
  for (uint64_t ino = 1; ino < 100; ++ino) {
    for (const uint32_t layer : {1U, 2U, 3U, 4U}) seen.insert(numbers.Of({layer, ino}));
    seen.insert(numbers.OfUpper(ino));
  }
  EXPECT_EQ(seen.size(), 99U * 5);
  EXPECT_LT(*seen.rbegin(), kSmall);
}

TEST(InoNumbers, WhatDoesNotFitIsLargeAndMeetsNothing) {
  const InoNumbers numbers({5, 6}, 7, true);
  const std::set<uint64_t> seen = {numbers.Of({1, 3}),          numbers.Of({2, 3}),
                                   numbers.OfUpper(3),          numbers.Of({1, kSmall + 3}),
                                   numbers.Of({2, kSmall + 3}), numbers.OfUpper(kSmall + 3)};
  EXPECT_EQ(seen.size(), 6U);
  EXPECT_GT(numbers.Of({1, kSmall + 3}), kSmall);
  EXPECT_GT(numbers.OfUpper(kSmall + 3), kSmall);
}

TEST(InoNumbers, AreHashesWhenSeveralFileSystemsAreNotJoined) {
  const InoNumbers off({5, 6}, 7, false);
  const InoNumbers before;
  EXPECT_EQ(off.Of({2, 3}), (Origin{2, 3}.Identity()));
  EXPECT_EQ(off.OfUpper(3), before.OfUpper(3));
  EXPECT_GT(off.OfUpper(3), kSmall);
}

TEST(InoNumbers, OfALoneTreeAreItsOwnAndApartFromThoseOfTheUpper) {
  const InoNumbers numbers({5}, 6, true);
  EXPECT_EQ(numbers.Of({0, 12}), 12U);
  EXPECT_NE(numbers.OfUpper(12), 12U);
  EXPECT_LT(numbers.OfUpper(12), kSmall);
}

TEST(InoNumbers, DifferInLayersOfOneFileSystem) {
  for (const bool join : {false, true}) {
    const InoNumbers numbers({5, 5, 5}, 5, join);
    const std::set<uint64_t> seen = {numbers.Of({1, 9}), numbers.Of({2, 9}), numbers.Of({3, 9}),
                                     numbers.OfUpper(9)};
    EXPECT_EQ(seen.size(), 4U);
    EXPECT_LT(*seen.rbegin(), kSmall);
    EXPECT_EQ(numbers.OfUpper(9), 9U);
    EXPECT_GT(numbers.Of({3, kSmall - 1}), kSmall);
    EXPECT_NE(numbers.Of({1, kSmall * 3}), numbers.Of({2, kSmall * 3}));
  }
}

TEST(InoNumbers, AnOriginIsReadAsItWasWritten) {
  for (const Origin origin : {Origin{0, 5}, Origin{3, 77}, Origin{65000, ~uint64_t{0} >> 1}}) {
    const Origin read = Origin::FromText(origin.ToText());
    EXPECT_EQ(read.layer, origin.layer);
    EXPECT_EQ(read.ino, origin.ino);
    EXPECT_TRUE(origin.ToText().starts_with(std::to_string(origin.Identity())));
  }
}

TEST(InoNumbers, AnOriginThatOnlyTellsTheIdentityHasIt) {
  const uint64_t identity = Origin{3, 77}.Identity();
  const std::string text = std::to_string(identity);
  EXPECT_EQ(Origin::FromText(text).Identity(), identity);
  EXPECT_EQ(Origin::FromText(text + " 4 77").Identity(), identity) << "does not belong together";
  EXPECT_EQ(Origin::FromText("").ino, 0U);
  EXPECT_EQ(Origin::FromText("x 1 2").ino, 0U);
}

}  // namespace
}  // namespace veneer
