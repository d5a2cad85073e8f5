// SPDX-License-Identifier: Apache-2.0
#include "layerdb/layer/indexed_layer.h"

#include <gtest/gtest.h>

#include "layerdb/index/index_writer.h"
#include "tests/unit/index/temp_dir.h"

namespace veneer {
namespace {

class IndexedLayerTest : public testing::Test {
 protected:
  void SetUp() override {
    const Hash128 hash = Xxh128("contents of an object");
    std::filesystem::create_directories(objects_ + "/" + ToHex(hash).substr(0, 2));
    WriteFile(objects_ + "/" + ObjectPath({hash, 0}), "contents of an object");

    auto writer = Must(IndexWriter::Create(path_));
    ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1, 0750)));
    IndexEntry dir = DirectoryEntry(2);
    dir.opaque = true;
    dir.xattrs = {{"user.b", "2"}, {"user.a", "1"}};
    ASSERT_TRUE(writer->Put(1, "dir", dir));
    ASSERT_TRUE(writer->Put(1, "file", FileEntry(3, "inline")));
    ASSERT_TRUE(writer->Put(1, "gone", WhiteoutEntry()));
    IndexEntry link;
    link.attr.type = FileType::kSymlink;
    link.attr.ino = 4;
    link.target = "../target";
    ASSERT_TRUE(writer->Put(1, "link", link));
    IndexEntry object = FileEntry(5, "", 2);
    object.attr.size = 21;
    object.object = ObjectRef{hash, 0};
    ASSERT_TRUE(writer->Put(1, "object", object));
    ASSERT_TRUE(writer->Put(2, "again", object));
    IndexEntry lost = FileEntry(6, "");
    lost.attr.size = 4;
    lost.object = ObjectRef{Xxh128("lost"), 0};
    ASSERT_TRUE(writer->Put(2, "lost", lost));
    IndexEntry slice = FileEntry(7, "");
    slice.attr.size = 8;
    slice.object = ObjectRef{hash, 0};
    slice.slice = 0;
    ASSERT_TRUE(writer->Put(2, "slice", slice));
    slice.attr.ino = 8;
    slice.slice = 14;  // one byte beyond the end
    ASSERT_TRUE(writer->Put(2, "slice-cut-short", slice));
    slice.attr.ino = 9;
    slice.attr.size = uint64_t{1} << 40;
    ASSERT_TRUE(writer->Put(2, "slice-too-large", slice));
    Must(writer->Seal(false));
    layer_ = Must(IndexedLayer::Open(path_, objects_));
  }

  LayerObject Lookup(const LayerRef& dir, std::string_view name) {
    return *Must(layer_->Lookup(dir, name, 0));
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "index";
  const std::string objects_ = dir_ / "objects";
  std::shared_ptr<IndexedLayer> layer_;
};

TEST_F(IndexedLayerTest, FindsObjectsAndTheirMarks) {
  const LayerObject root = layer_->Root();
  EXPECT_EQ(root.attr.mode, 0750U);
  EXPECT_EQ(root.attr.ino, 1U);
  const LayerObject dir = Lookup(root.ref, "dir");
  EXPECT_TRUE(dir.marks.opaque);
  EXPECT_EQ(dir.attr.type, FileType::kDirectory);
  EXPECT_EQ(Lookup(root.ref, "gone").ref.id, Layer::kWhiteout);
  EXPECT_FALSE(Must(layer_->Lookup(root.ref, "absent", 0)).has_value());
  EXPECT_FALSE(Must(layer_->Lookup(root.ref, std::string(300, 'x'), 0)).has_value());
  const LayerObject file = Lookup(root.ref, "file");
  EXPECT_EQ(layer_->Lookup(file.ref, "x", 0).error().code, ENOTDIR);
  EXPECT_EQ(layer_->List(file.ref, [](const LayerDirent&) {}).error().code, ENOTDIR);
  EXPECT_FALSE(layer_->is_tree());
}

TEST_F(IndexedLayerTest, ReadsContentsThatLieInAnObjectWithOthers) {
  const LayerObject dir = Lookup(layer_->Root().ref, "dir");
  const LayerObject slice = Lookup(dir.ref, "slice");
  for (int i = 0; i < 2; ++i) {
    const Content content = Must(layer_->Open(slice.ref));
    EXPECT_FALSE(content.fd);
    EXPECT_EQ(content.bytes, "contents");
  }
  EXPECT_FALSE(Must(layer_->StoredContentOf(slice.ref))->whole);
  EXPECT_EQ(layer_->Open(Lookup(dir.ref, "slice-cut-short").ref).error().code, EIO);
  EXPECT_EQ(layer_->Open(Lookup(dir.ref, "slice-too-large").ref).error().code, EIO);
}

TEST_F(IndexedLayerTest, ListsNamesThatLastWithHintsThatFind) {
  std::vector<LayerDirent> list;
  ASSERT_TRUE(
      layer_->List(layer_->Root().ref, [&](const LayerDirent& entry) { list.push_back(entry); }));
  ASSERT_TRUE(layer_->names_persist());
  std::string names;
  for (const LayerDirent& entry : list) {
    names.append(entry.name).append(entry.whiteout ? "! " : " ");
    const LayerObject hinted = *Must(layer_->Lookup(layer_->Root().ref, entry.name, entry.hint));
    const LayerObject searched = Lookup(layer_->Root().ref, entry.name);
    EXPECT_EQ(hinted.ref.id, searched.ref.id);
    if (entry.whiteout) continue;
    EXPECT_EQ(entry.ino, searched.attr.ino);
    EXPECT_EQ(entry.type, searched.attr.type);
    EXPECT_EQ(Must(layer_->Stat(searched.ref)).ino, entry.ino);
  }
  EXPECT_EQ(names, "dir file gone! link object ");
}

TEST_F(IndexedLayerTest, OpensContentsWhereverTheyAre) {
  const LayerRef root = layer_->Root().ref;
  const LayerObject file = Lookup(root, "file");
  EXPECT_EQ(Must(layer_->Open(file.ref)).bytes, "inline");
  EXPECT_FALSE(Must(layer_->StoredContentOf(file.ref)));

  const LayerObject object = Lookup(root, "object");
  const Content content = Must(layer_->Open(object.ref));
  ASSERT_TRUE(content.fd);
  std::string bytes(100, '\0');
  bytes.resize(static_cast<size_t>(read(content.fd.get(), bytes.data(), bytes.size())));
  EXPECT_EQ(bytes, "contents of an object");
  EXPECT_EQ(Must(layer_->StoredContentOf(object.ref))->object.hash, Xxh128(bytes));
  EXPECT_TRUE(Must(layer_->StoredContentOf(object.ref))->whole);

  const LayerRef dir = Lookup(root, "dir").ref;
  EXPECT_EQ(layer_->Open(Lookup(dir, "lost").ref).error().code, ENOENT);
  EXPECT_EQ(layer_->Open(dir).error().code, EISDIR);
  EXPECT_EQ(layer_->Open(Lookup(root, "link").ref).error().code, EINVAL);
  const auto without = Must(IndexedLayer::Open(path_, ""));
  EXPECT_EQ(without->Open(object.ref).error().code, ENOENT);
}

// Cut short, it would read as zeros, and a copy of it would keep them.
TEST_F(IndexedLayerTest, AnObjectOfAnotherSizeThanTheIndexSaysIsDamage) {
  const LayerObject object = Lookup(layer_->Root().ref, "object");
  const std::string path =
      objects_ + "/" + ObjectPath(Must(layer_->StoredContentOf(object.ref))->object);
  const uint64_t size = object.attr.size;
  for (const uint64_t other : {size - 1, size + 1, uint64_t{0}}) {
    std::filesystem::resize_file(path, other);
    EXPECT_EQ(layer_->Open(object.ref).error().code, EIO) << other;
  }
}

// A fifo would be waited for, and the daemon with it.
TEST_F(IndexedLayerTest, WhatIsInThePlaceOfAnObjectAndNoFileIsDamage) {
  const LayerObject object = Lookup(layer_->Root().ref, "object");
  const std::string path =
      objects_ + "/" + ObjectPath(Must(layer_->StoredContentOf(object.ref))->object);
  const std::string moved = objects_ + "/moved";
  std::filesystem::rename(path, moved);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(layer_->Open(object.ref).error().code, EIO) << "fifo";
  std::filesystem::remove(path);
  std::filesystem::create_symlink(moved, path);
  EXPECT_EQ(layer_->Open(object.ref).error().code, EIO) << "symlink";
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(layer_->Open(object.ref).error().code, EIO) << "directory";
}

TEST_F(IndexedLayerTest, KnowsTheSizeOfContentsWithoutTheirObject) {
  const LayerObject object = Lookup(layer_->Root().ref, "object");
  std::filesystem::remove_all(objects_);
  EXPECT_EQ(layer_->KnownSize(object.ref), object.attr.size);
  EXPECT_EQ(layer_->KnownSize(LayerRef{Layer::kWhiteout, nullptr}), std::nullopt);
}

TEST_F(IndexedLayerTest, ReadsLinksAndXattrs) {
  const LayerRef root = layer_->Root().ref;
  EXPECT_EQ(Must(layer_->ReadLink(Lookup(root, "link").ref)), "../target");
  EXPECT_EQ(layer_->ReadLink(Lookup(root, "file").ref).error().code, EINVAL);
  const LayerRef dir = Lookup(root, "dir").ref;
  EXPECT_EQ(Must(layer_->GetXattr(dir, "user.b")), "2");
  EXPECT_EQ(layer_->GetXattr(dir, "user.c").error().code, ENODATA);
  EXPECT_EQ(Must(layer_->ListXattrs(dir)), (XattrList{{"user.a", "1"}, {"user.b", "2"}}));
  EXPECT_TRUE(Must(layer_->ListXattrs(root)).empty());
}

TEST_F(IndexedLayerTest, KnowsAllPathsOfAHardLinkedFile) {
  EXPECT_EQ(layer_->PathsOfIno(5), (std::vector<std::string>{"dir/again", "object"}));
  EXPECT_EQ(layer_->PathsOfIno(3), std::vector<std::string>());
}

TEST_F(IndexedLayerTest, AnswersAForeignReferenceWithAnError) {
  for (uint64_t id = 0; id < 20'000; id += 3) {
    IgnoreError(layer_->Stat(LayerRef{id, nullptr}), "must only not crash");
  }
  EXPECT_EQ(layer_->Stat(LayerRef{Layer::kWhiteout, nullptr}).error().code, EIO);
}

TEST_F(IndexedLayerTest, SaysWhatIsMissing) {
  EXPECT_NE(IndexedLayer::Open(path_, dir_ / "nowhere").error().message().find("nowhere"),
            std::string::npos);
  EXPECT_NE(IndexedLayer::Open(dir_ / "no-index", objects_).error().message().find("no-index"),
            std::string::npos);
}

}  // namespace
}  // namespace veneer
