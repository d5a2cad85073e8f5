// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/records.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/unit/index/temp_dir.h"

namespace veneer {
namespace {

std::string Encode(const IndexEntry& entry) {
  std::string bytes;
  AppendRecord(entry, &bytes);
  return bytes;
}

void ExpectSameAttr(const Attr& a, const Attr& b) {
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.mode, b.mode);
  EXPECT_EQ(a.uid, b.uid);
  EXPECT_EQ(a.gid, b.gid);
  EXPECT_EQ(a.nlink, b.nlink);
  EXPECT_EQ(a.rdev_major, b.rdev_major);
  EXPECT_EQ(a.rdev_minor, b.rdev_minor);
  EXPECT_EQ(a.ino, b.ino);
  EXPECT_EQ(a.size, b.size);
  EXPECT_EQ(a.blocks, b.blocks);
  EXPECT_EQ(a.mtime, b.mtime);
  EXPECT_EQ(a.atime, b.atime);
  EXPECT_EQ(a.ctime, b.ctime);
}

// One of everything, each with optional parts that the others do not have.
std::vector<IndexEntry> Samples() {
  std::vector<IndexEntry> samples;
  IndexEntry file = FileEntry(7, "hello");
  file.attr.mode = 07755;
  file.attr.uid = 4'000'000'000;
  file.attr.gid = 65534;
  file.attr.mtime = {-5'000'000'000, 999'999'999};  // 1811
  file.attr.atime = {9'000'000'000, 1};             // 2255
  file.attr.ctime = {0, 0};
  file.has_atime = file.has_ctime = true;
  file.xattrs = {{"user.b", std::string("\0x", 2)}, {"security.capability", "cap"}, {"user.a", ""}};
  samples.push_back(file);

  IndexEntry sparse = FileEntry(8, "");
  sparse.attr.size = uint64_t{1} << 43;
  sparse.attr.blocks = 16;
  sparse.attr.nlink = 3;
  sparse.object = ObjectRef{Xxh128("content"), 2};
  samples.push_back(sparse);

  IndexEntry slice = FileEntry(13, "");
  slice.attr.size = 5000;
  slice.attr.blocks = DenseBlocks(5000);
  slice.object = ObjectRef{Xxh128("many contents"), 0};
  slice.slice = uint64_t{1} << 40;
  slice.xattrs = {{"user.a", "b"}};
  samples.push_back(slice);

  samples.push_back(FileEntry(9, ""));
  samples.push_back(DirectoryEntry(10, 01777));
  samples.back().opaque = true;
  samples.push_back(DirectoryEntry(11));
  samples.back().implied = true;

  IndexEntry link;
  link.attr.type = FileType::kSymlink;
  link.attr.ino = 12;
  link.attr.mode = 0777;
  link.target = "../\xff\xfe";
  link.attr.size = link.target.size();
  samples.push_back(link);

  for (const FileType type :
       {FileType::kCharDevice, FileType::kBlockDevice, FileType::kFifo, FileType::kSocket}) {
    IndexEntry special;
    special.attr.type = type;
    special.attr.ino = 13;
    if (type == FileType::kCharDevice || type == FileType::kBlockDevice) {
      special.attr.rdev_major = 4095;
      special.attr.rdev_minor = 1'048'575;
    }
    samples.push_back(special);
  }
  return samples;
}

TEST(Records, KeepEverythingAnEntryHolds) {
  for (IndexEntry entry : Samples()) {
    const std::string bytes = Encode(entry);
    const std::string more = bytes + "what follows in the file";
    const auto view = EntryView::Parse(more);
    ASSERT_TRUE(view.has_value());
    EXPECT_EQ(view->bytes(), bytes);
    if (!entry.has_atime) entry.attr.atime = entry.attr.mtime;
    if (!entry.has_ctime) entry.attr.ctime = entry.attr.mtime;
    ExpectSameAttr(view->attr(), entry.attr);
    const IndexEntry copy = view->ToEntry();
    EXPECT_EQ(copy.opaque, entry.opaque);
    EXPECT_EQ(copy.implied, entry.implied);
    EXPECT_EQ(copy.object, entry.object);
    EXPECT_EQ(copy.slice, entry.slice);
    EXPECT_EQ(copy.inline_bytes, entry.inline_bytes);
    EXPECT_EQ(copy.target, entry.target);
    std::sort(entry.xattrs.begin(), entry.xattrs.end());
    EXPECT_EQ(copy.xattrs, entry.xattrs);
    EXPECT_EQ(Encode(copy), bytes);
  }
}

TEST(Records, RefuseASliceThatEndsBeyondAnyFile) {
  IndexEntry entry = FileEntry(2, "");
  entry.attr.size = 5000;
  entry.object = ObjectRef{Xxh128("many contents"), 0};
  entry.slice = uint64_t{INT64_MAX} - 5000;
  EXPECT_TRUE(EntryView::Parse(Encode(entry)).has_value());
  entry.slice = uint64_t{INT64_MAX} - 4999;
  EXPECT_FALSE(EntryView::Parse(Encode(entry)).has_value());
  entry.slice = UINT64_MAX;
  EXPECT_FALSE(EntryView::Parse(Encode(entry)).has_value());
}

TEST(Records, KeepAWhiteoutInEightBytes) {
  const std::string bytes = Encode(WhiteoutEntry());
  EXPECT_EQ(bytes.size(), 8U);
  ASSERT_TRUE(EntryView::Parse(bytes).has_value());
  EXPECT_TRUE(EntryView::Parse(bytes)->whiteout());
}

TEST(Records, FindOneXattrAmongMany) {
  const std::string bytes = Encode(Samples()[0]);
  const auto view = EntryView::Parse(bytes);
  EXPECT_EQ(view->FindXattr("security.capability"), "cap");
  EXPECT_EQ(view->FindXattr("user.a"), "");
  EXPECT_EQ(view->FindXattr("user.c"), std::nullopt);
}

TEST(Records, RefuseEveryRecordThatIsCutShort) {
  for (const IndexEntry& entry : Samples()) {
    const std::string bytes = Encode(entry);
    for (size_t size = 0; size < bytes.size(); ++size) {
      // A heap copy of exactly this size, so that a sanitizer sees a read beyond it.
      const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<long>(size));
      EXPECT_FALSE(EntryView::Parse({cut.data(), cut.size()})) << size;
      // The same with a length that admits to it.
      if (size < 8) continue;
      std::vector<char> shorter = cut;
      const auto length = static_cast<uint32_t>(size);
      std::memcpy(shorter.data(), &length, sizeof length);
      const auto view = EntryView::Parse({shorter.data(), shorter.size()});
      EXPECT_FALSE(view.has_value()) << size;
    }
  }
}

TEST(Records, ReadNothingOutsideWhateverTheBytesAre) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<IndexEntry> samples = Samples();
  for (int i = 0; i < 50'000; ++i) {
    const std::string good = Encode(samples[random() % samples.size()]);
    std::vector<char> bytes(good.begin(), good.end());
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto view = EntryView::Parse({bytes.data(), bytes.size()});
    if (!view || view->whiteout()) continue;
    const IndexEntry entry = view->ToEntry();  // touches every part
    EXPECT_LE(entry.inline_bytes.size() + entry.target.size(), bytes.size());
  }
}

TEST(Records, NameObjectsByTheirHash) {
  ObjectRef ref;
  for (size_t i = 0; i < ref.hash.size(); ++i) ref.hash[i] = static_cast<uint8_t>(i + 0xa0);
  EXPECT_EQ(ObjectPath(ref), "a0/a1a2a3a4a5a6a7a8a9aaabacadaeaf");
  EXPECT_EQ(ParseObjectPath(ObjectPath(ref)), ref);
  ref.seq = 12;
  EXPECT_EQ(ObjectPath(ref), "a0/a1a2a3a4a5a6a7a8a9aaabacadaeaf.12");
  EXPECT_EQ(ParseObjectPath(ObjectPath(ref)), ref);
  for (const char* bad :
       {"", "a0", "a0/", "a0/a1a2a3a4a5a6a7a8a9aaabacadaea", "a0/a1a2a3a4a5a6a7a8a9aaabacadaeaF",
        "a0/a1a2a3a4a5a6a7a8a9aaabacadaeaf.", "a0/a1a2a3a4a5a6a7a8a9aaabacadaeaf.0",
        "a0/a1a2a3a4a5a6a7a8a9aaabacadaeaf.01", "a0/a1a2a3a4a5a6a7a8a9aaabacadaeaf.x",
        "a0xa1a2a3a4a5a6a7a8a9aaabacadaeaf", "a0/a1a2a3a4a5a6a7a8a9aaabacadaeaf.99999999999"}) {
    EXPECT_EQ(ParseObjectPath(bad), std::nullopt) << bad;
  }
}

TEST(Records, KnowWhichNamesADirectoryMayHold) {
  EXPECT_TRUE(IsValidName("a"));
  EXPECT_TRUE(IsValidName("..."));
  EXPECT_TRUE(IsValidName("\xff\n"));
  EXPECT_TRUE(IsValidName(std::string(255, 'x')));
  EXPECT_FALSE(IsValidName(std::string(256, 'x')));
  EXPECT_FALSE(IsValidName(""));
  EXPECT_FALSE(IsValidName("."));
  EXPECT_FALSE(IsValidName(".."));
  EXPECT_FALSE(IsValidName("a/b"));
  EXPECT_FALSE(IsValidName(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace veneer
