// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/archive_hasher.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace veneer {
namespace {

SharedBytes Shared(std::string text) {
  const auto keep = std::make_shared<const std::string>(std::move(text));
  return {keep, *keep};
}

TEST(ArchiveHasher, HashesTextAndPiecesInTheirOrder) {
  ArchiveHasher hasher(2);
  EXPECT_TRUE(hasher.Update("one"));
  EXPECT_TRUE(hasher.Update(Shared("two")));
  EXPECT_TRUE(hasher.Update("three"));
  const Result<Digest> digest = hasher.Finish();
  ASSERT_TRUE(digest);
  EXPECT_EQ(*digest, Digest::OfBytes("onetwothree"));
}

TEST(ArchiveHasher, TakesBackWhatCameSinceItWasSaved) {
  ArchiveHasher hasher(2);
  EXPECT_TRUE(hasher.Update("kept, "));
  EXPECT_TRUE(hasher.Save());
  EXPECT_TRUE(hasher.Update("dropped"));
  EXPECT_TRUE(hasher.Update(Shared("dropped")));
  EXPECT_TRUE(hasher.Restore());
  EXPECT_TRUE(hasher.Update("instead"));
  EXPECT_TRUE(hasher.Save());
  const Result<Digest> digest = hasher.Finish();
  ASSERT_TRUE(digest);
  EXPECT_EQ(*digest, Digest::OfBytes("kept, instead"));
}

TEST(ArchiveHasher, MayBeGivenUp) {
  ArchiveHasher hasher(1);
  EXPECT_TRUE(hasher.Update(Shared(std::string(1 << 20, 'x'))));
}

}  // namespace
}  // namespace veneer
