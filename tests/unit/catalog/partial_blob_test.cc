// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/partial_blob.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "layerdb/base/sys.h"
#include "layerdb/catalog/layout.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

class PartialBlobTest : public testing::Test {
 protected:
  PartialBlobTest() { std::filesystem::create_directories(layout_.staging()); }
  ~PartialBlobTest() override { std::filesystem::remove_all(layout_.root()); }

  const StoreLayout layout_{MakeTempDir("partial")};
  const BlobDigest digest_ = BlobDigest::OfBytes(BlobDigest::Algorithm::kSha256, "x");
};

TEST_F(PartialBlobTest, WhatHasComeStaysForTheNext) {
  {
    const auto blob = PartialBlob::Take(layout_, digest_, nullptr).value();
    EXPECT_EQ(blob->Size().value(), 0U);
    ASSERT_TRUE(sys::WriteAt(blob->fd(), "half", 0));
  }
  const auto blob = PartialBlob::Take(layout_, digest_, nullptr).value();
  EXPECT_EQ(blob->Size().value(), 4U);
  blob->Remove();
  EXPECT_TRUE(std::filesystem::is_empty(layout_.staging()));
}

TEST_F(PartialBlobTest, OneHasItAtATime) {
  const auto blob = PartialBlob::Take(layout_, digest_, nullptr).value();
  Cancellation cancel;
  cancel.Request();
  const auto second = PartialBlob::Take(layout_, digest_, &cancel);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ECANCELED);
  const BlobDigest other = BlobDigest::OfBytes(BlobDigest::Algorithm::kSha512, "x");
  EXPECT_TRUE(PartialBlob::Take(layout_, other, nullptr));
}

TEST_F(PartialBlobTest, OneThatWasRemovedIsMadeAnew) {
  const auto blob = PartialBlob::Take(layout_, digest_, nullptr).value();
  ASSERT_TRUE(sys::WriteAt(blob->fd(), "whole", 0));
  blob->Remove();
  const auto next = PartialBlob::Take(layout_, digest_, nullptr).value();
  EXPECT_EQ(next->Size().value(), 0U);
}

}  // namespace
}  // namespace veneer
