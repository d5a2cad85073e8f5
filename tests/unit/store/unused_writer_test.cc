// SPDX-License-Identifier: Apache-2.0
//
// Whether a writer may be used for the next layer: one that has published no longer takes back what
// it wrote.
#include <fstream>

#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

class UnusedWriter : public StoreTest {};

TEST_F(UnusedWriter, IsOneWithTemporaryFilesAtMost) {
  const auto writer = Must(store_->Begin());
  EXPECT_TRUE(writer->IsUnused());
  std::ofstream(writer->dir() + "/tmp-file") << "x";
  EXPECT_TRUE(writer->IsUnused());
}

TEST_F(UnusedWriter, IsNoneThatWroteAnObjectOrBeganALayer) {
  const auto object = Must(store_->Begin());
  Must(object->PutObject(std::string(100'000, 'x')));
  EXPECT_FALSE(object->IsUnused());
  const auto layer = Must(store_->Begin());
  Must(layer->NewLayerDir());
  EXPECT_FALSE(layer->IsUnused());
}

}  // namespace
}  // namespace veneer
