// SPDX-License-Identifier: Apache-2.0
//
// What COPY puts becomes a layer of a store.
#include <gmock/gmock.h>

#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/transfer/commit.h"
#include "tests/unit/build/entry_lines.h"
#include "tests/unit/build/source_fixture.h"
#include "tools/build/copy_files.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class CopyLayerTest : public SourceFixture {
 protected:
  // Copies all of `from` into the tree of `below`, and gives the layer.
  CommittedLayer Copy(SourceTree& from, const std::vector<Digest>& below) {
    Result<std::string> tree = store_->EnsureTree(below);
    EXPECT_TRUE(tree) << tree.error().message();
    auto into = SourceTree::OfIndex(*store_, *tree);
    EXPECT_TRUE(into) << into.error().message();
    CopyTree copy(into->get(), nullptr);
    CopyRequest request;
    request.sources = {"."};
    request.destination = "/app/";
    const auto copied = CopyFiles(from, request, &copy);
    EXPECT_TRUE(copied) << copied.error().message();
    const auto writer = store_->Begin();
    const auto layer = CommitEntries(*store_, **writer, copy, {});
    EXPECT_TRUE(layer) << layer.error().message();
    return *layer;
  }
  std::unique_ptr<SourceTree> TreeOf(const std::vector<Digest>& layers) {
    return *SourceTree::OfIndex(*store_, *store_->EnsureTree(layers));
  }

  std::unique_ptr<Store> store_ = *Store::Open(dir_ + "/store");
};

TEST_F(CopyLayerTest, TheSameFilesGiveTheSameLayer) {
  fs::create_directories(From("sub"));
  Write(From("sub/small"), "small");
  Write(From("large"), std::string(300'000, 'x'), 0755);
  const auto from = OpenFrom();
  const CommittedLayer layer = Copy(*from, {});
  EXPECT_FALSE(layer.empty);
  EXPECT_EQ(Copy(*from, {}).diff_id, layer.diff_id);
  const auto tree = TreeOf({layer.diff_id});
  const auto found = LocateIn(tree->layer(), "/app/large", LastLink::kKeep);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->object.attr.size, 300'000U);
  EXPECT_EQ((*found)->object.attr.mode, 0755U);
}

TEST_F(CopyLayerTest, ACopyFromALayerIsThatOfItsFiles) {
  Write(From("packed"), std::string(5'000, 'p'));
  Write(From("large"), std::string(300'000, 'x'));
  const auto from = OpenFrom();
  const std::vector<Digest> first = {Copy(*from, {}).diff_id};
  const auto stage = TreeOf(first);
  CopyTree of_host(nullptr, nullptr);
  CopyTree of_stage(nullptr, nullptr);
  CopyRequest request;
  request.destination = "/o/";
  request.sources = {"."};
  ASSERT_TRUE(CopyFiles(*from, request, &of_host));
  request.sources = {"app"};
  ASSERT_TRUE(CopyFiles(*stage, request, &of_stage));
  EXPECT_EQ(LinesOf(of_host), LinesOf(of_stage));
  const auto writer = store_->Begin();
  const auto one = CommitEntries(*store_, **writer, of_host, {});
  const auto other = CommitEntries(*store_, **writer, of_stage, {});
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->diff_id, other->diff_id);
}

TEST_F(CopyLayerTest, NothingCopiedIsAnEmptyLayer) {
  CopyTree nothing(nullptr, nullptr);
  const auto writer = store_->Begin();
  const auto layer = CommitEntries(*store_, **writer, nothing, {});
  ASSERT_TRUE(layer);
  EXPECT_TRUE(layer->empty);
}

TEST_F(CopyLayerTest, ANameThatWouldBeADeletionIsRefused) {
  Write(From(".wh.file"), "x");
  const auto from = OpenFrom();
  CopyTree copy(nullptr, nullptr);
  CopyRequest request;
  request.sources = {"."};
  request.destination = "/";
  ASSERT_TRUE(CopyFiles(*from, request, &copy));
  const auto writer = store_->Begin();
  const auto layer = CommitEntries(*store_, **writer, copy, {});
  ASSERT_FALSE(layer);
  EXPECT_THAT(layer.error().message(), testing::HasSubstr("would be read as a deletion"));
}

}  // namespace
}  // namespace veneer
