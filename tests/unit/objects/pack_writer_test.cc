// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/pack_writer.h"

#include <filesystem>
#include <random>

#include "layerdb/base/sys.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/store/prune.h"
#include "layerdb/store/store_writer.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

class PackWriterTest : public StoreTest {
 protected:
  struct Packed {
    std::vector<PackExtent> slices;
    size_t objects;  // in the store afterwards
  };

  // Packs these contents in a session of their own, and checks that they can be read where it says.
  Packed Pack(const std::vector<std::string>& contents) {
    auto session = Must(store_->Begin());
    PackWriter pack(store_->objects(), store_->layout().slices(), *session);
    for (size_t i = 0; i < contents.size(); ++i) EXPECT_EQ(Must(pack.Put(contents[i])), i);
    const Result<void> finished = pack.Finish();
    EXPECT_TRUE(finished.has_value()) << finished.error().message();
    Packed packed;
    for (size_t i = 0; i < contents.size(); ++i) {
      packed.slices.push_back(pack.Where(static_cast<uint32_t>(i)));
      EXPECT_EQ(ReadSlice(packed.slices.back(), contents[i].size()), contents[i]) << i;
    }
    // A layer, lest the session takes its objects back.
    PutLayer(*session, "layer " + std::to_string(layers_++), {});
    pack.Remember();
    packed.objects = Files("objects").size();
    return packed;
  }

  std::string ReadSlice(const PackExtent& slice, size_t size) {
    const Fd fd = Must(store_->objects().OpenObject(slice.object));
    std::string bytes(size, '\0');
    bytes.resize(Must(sys::ReadAt(fd.get(), bytes.data(), size, slice.offset)));
    return bytes;
  }

  int layers_ = 0;
};

TEST_F(PackWriterTest, ContentsLieSideBySideInOneObjectInTheirOrder) {
  const Packed packed = Pack({"first", "second", "third"});
  EXPECT_EQ(packed.objects, 1U);
  EXPECT_EQ(packed.slices[0].offset, 0U);
  EXPECT_EQ(packed.slices[1].offset, 5U);
  EXPECT_EQ(packed.slices[2].offset, 11U);
}

TEST_F(PackWriterTest, NothingMakesNoObject) { EXPECT_EQ(Pack({}).objects, 0U); }

TEST_F(PackWriterTest, EqualContentsAreKeptOnce) {
  const Packed packed = Pack({"same", "other", "same"});
  EXPECT_EQ(packed.slices[2].offset, packed.slices[0].offset);
  EXPECT_EQ(std::filesystem::file_size(Path("objects/" + ObjectPath(packed.slices[0].object))), 9U);
}

TEST_F(PackWriterTest, WhatAnEarlierLayerHasIsNotWrittenAgain) {
  const Packed first = Pack({"one", "two", "three"});
  const Packed second = Pack({"four", "two"});
  EXPECT_EQ(second.objects, 2U);
  EXPECT_EQ(second.slices[1].object, first.slices[1].object);
  EXPECT_EQ(second.slices[1].offset, first.slices[1].offset);
  EXPECT_EQ(Pack({"four", "three", "one"}).objects, 2U);  // no third one
}

TEST_F(PackWriterTest, ManyContentsOfAllSizesAreFoundAgain) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::string> contents;
  for (int i = 0; i < 5000; ++i) {
    std::string bytes(random() % 3000, static_cast<char>(random()));
    if (random() % 2 == 0) bytes += std::to_string(random() % 1000);
    contents.push_back(std::move(bytes));
  }
  EXPECT_EQ(Pack(contents).objects, 1U);
  std::shuffle(contents.begin(), contents.end(), random);
  EXPECT_EQ(Pack(contents).objects, 1U);
}

// The hash is not cryptographic and archives come from anywhere.
TEST_F(PackWriterTest, AnEntryOfTheTableThatHasOtherBytesIsNotBelieved) {
  const Packed first = Pack({"one", "two"});
  {
    const auto table = Must(PackIndex::Open(store_->layout().slices()));
    const PackIndex::Entry lie{HashContent("new"), first.slices[0]};
    ASSERT_TRUE(table->Add({&lie, 1}));
    const PackIndex::Entry beyond{HashContent("far"), {first.slices[0].object, uint64_t{1} << 62}};
    ASSERT_TRUE(table->Add({&beyond, 1}));
  }
  EXPECT_EQ(Pack({"new", "far"}).objects, 2U);
}

TEST_F(PackWriterTest, APackThatHasGoneOrIsDamagedIsWrittenAnew) {
  const Packed first = Pack({"one", "two"});
  const std::string path = Path("objects/" + ObjectPath(first.slices[0].object));
  WriteFile(path, "xxx");
  EXPECT_EQ(Pack({"one", "two"}).objects, 2U);
  for (const std::string& file : Files("objects")) std::filesystem::remove(Path(file));
  EXPECT_EQ(Pack({"one", "two"}).objects, 1U);
}

TEST_F(PackWriterTest, ADamagedTableIsMadeAnew) {
  Pack({"one", "two"});
  WriteFile(Path("slices/data.mdb"), std::string(10000, 'x'));
  EXPECT_EQ(Pack({"one", "three"}).objects, 2U);
  EXPECT_EQ(Pack({"three"}).objects, 2U);
}

TEST_F(PackWriterTest, PruneForgetsWhatItRemoved) {
  const Packed packed = Pack({"one", "two"});
  ASSERT_TRUE(Prune(*store_, {}));
  EXPECT_TRUE(Files("objects").empty());
  const auto table = Must(PackIndex::Open(store_->layout().slices()));
  const Hash128 hash = HashContent("one");
  EXPECT_FALSE(Must(table->Find({&hash, 1}))[0].has_value());
}

}  // namespace
}  // namespace veneer
