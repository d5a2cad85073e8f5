// SPDX-License-Identifier: Apache-2.0
//
// Whatever is done to an index file, opening or reading it ends in an error, never in a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "layerdb/index/index_reader.h"
#include "layerdb/index/index_writer.h"
#include "layerdb/index/seal.h"
#include "tests/unit/index/temp_dir.h"

namespace veneer {
namespace {

using testing::HasSubstr;

class IndexDamage : public testing::Test {
 protected:
  void SetUp() override {
    auto writer = Must(IndexWriter::Create(path_));
    ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
    uint64_t ino = 2;
    for (int d = 0; d < 4; ++d) {
      const uint64_t dir = ino++;
      ASSERT_TRUE(writer->Put(1, "dir" + std::to_string(d), DirectoryEntry(dir)));
      for (int f = 0; f < 60; ++f, ++ino) {
        const std::string bytes(f == 0 ? 9000 : 20, 'x');
        const bool linked = f < 3;
        ASSERT_TRUE(
            writer->Put(dir, "file" + std::to_string(f),
                        FileEntry(linked ? 5000 : ino, linked ? "same" : bytes, linked ? 12 : 1)));
      }
    }
    Must(writer->Seal(false));
    good_ = ReadFile(path_);
  }

  // Reads everything that can be read.
  static void Exercise(const IndexReader& index) {
    std::vector<uint64_t> dirs = {kIndexRootIno};
    for (size_t i = 0; i < dirs.size() && dirs.size() < 1000; ++i) {
      IgnoreError(index.List(dirs[i],
                             [&](std::string_view name, const IndexReader::Record& found) {
                               if (found.entry.whiteout()) return true;
                               EXPECT_TRUE(IsValidName(name));
                               found.entry.ToEntry();
                               if (found.entry.type() == FileType::kDirectory) {
                                 dirs.push_back(found.entry.ino());
                               }
                               IgnoreError(index.NamesOf(found.entry.ino()), "hostile");
                               return true;
                             }),
                  "hostile");
      IgnoreError(index.Find(dirs[i], "file1"), "hostile");
      IgnoreError(index.PathOfDirectory(dirs[i]), "hostile");
    }
    IgnoreError(
        index.ForEach([](uint64_t, std::string_view, const IndexReader::Record&) { return true; }),
        "hostile");
    for (uint64_t at = 0; at < 20'000; at += 7) IgnoreError(index.At(at), "hostile");
    EXPECT_FALSE(index.At(UINT64_MAX).has_value());
  }

  // The seal that an attacker would put on `data`.
  static std::string Reseal(const std::string& bytes) {
    std::string data = bytes.substr(0, bytes.size() - kSealSize);
    Seal seal;
    seal.page_size = 4096;
    std::memcpy(&seal.page_size, bytes.data() + bytes.size() - kSealSize + 12, 4);
    seal.data_size = data.size();
    seal.summary.directories = 5;
    seal.checksum = Xxh128(data);
    return data + EncodeSeal(seal);
  }

  const TempDir dir_;
  const std::string path_ = dir_ / "index";
  std::string good_;
};

TEST_F(IndexDamage, IsFoundInAFileCutShortAnywhere) {
  for (size_t size = 0; size < good_.size(); size += size < 300 ? 1 : 997) {
    WriteFile(path_, good_.substr(0, size));
    const auto index = IndexReader::Open(path_);
    ASSERT_FALSE(index.has_value()) << size;
    EXPECT_THAT(index.error().message(), HasSubstr(path_));
    EXPECT_EQ(index.error().reason(), Reason::kDamaged);
    EXPECT_FALSE(IndexEditor::Open(path_).has_value());
  }
}

TEST_F(IndexDamage, IsFoundInEveryByte) {
  for (size_t at = 0; at < good_.size(); at += at % 5 == 0 ? 31 : 64) {
    std::string bad = good_;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    WriteFile(path_, bad);
    const auto index = IndexReader::Open(path_);
    ASSERT_FALSE(index.has_value()) << at;
    EXPECT_THAT(index.error().message(), HasSubstr(path_));
  }
}

TEST_F(IndexDamage, IsFoundInWhatIsNoIndexAtAll) {
  WriteFile(path_, std::string(100'000, 'x'));
  EXPECT_THAT(IndexReader::Open(path_).error().message(), HasSubstr("no index at all"));
  WriteFile(path_, good_ + "more");
  EXPECT_FALSE(IndexReader::Open(path_).has_value());
  EXPECT_EQ(IndexReader::Open(dir_ / "absent").error().code(), ENOENT);
  EXPECT_THAT(IndexReader::Open("/dev").error().message(), HasSubstr("not a regular file"));
}

TEST_F(IndexDamage, OfAHostileKindNeverCrashesAReader) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  ASSERT_TRUE(IndexReader::Open(path_).has_value());
  WriteFile(path_, Reseal(good_));
  ASSERT_TRUE(IndexReader::Open(path_).has_value());
  const size_t data_size = good_.size() - kSealSize;
  int opened = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string bad = good_;
    for (unsigned flips = 1 + random() % 3; flips > 0; --flips) {
      // The heads of pages, where the structure is, more often than their middles.
      size_t at = random() % data_size;
      if (random() % 2 == 0) at = at / 4096 * 4096 + random() % 160;
      const auto value = static_cast<char>(random() % 3 == 0 ? 0xff : random());
      if (at < data_size) bad[at] = value;
    }
    WriteFile(path_, Reseal(bad));
    const auto index = IndexReader::Open(path_);
    if (!index) continue;
    ++opened;
    Exercise(**index);
  }
  EXPECT_GT(opened, 0);  // else this tests nothing
}

// Directories that contain one another.
TEST_F(IndexDamage, InACircleOfDirectoriesEnds) {
  auto writer = Must(IndexWriter::Create(dir_ / "circle"));
  ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
  ASSERT_TRUE(writer->Put(2, "a", DirectoryEntry(3)));
  ASSERT_TRUE(writer->Put(3, "b", DirectoryEntry(2)));
  Must(writer->Seal(false));
  const auto index = Must(IndexReader::Open(dir_ / "circle"));
  EXPECT_EQ(index->PathOfDirectory(2).error().code, EIO);
}

TEST_F(IndexDamage, OfANewerFormatSaysSo) {
  std::string bad = good_;
  std::string seal = bad.substr(bad.size() - kSealSize);
  seal[8] = 2;
  const uint64_t self = Xxh64(std::string_view(seal).substr(0, 104));
  std::memcpy(seal.data() + 104, &self, sizeof self);
  bad.replace(bad.size() - kSealSize, kSealSize, seal);
  WriteFile(path_, bad);
  EXPECT_THAT(IndexReader::Open(path_).error().message(), HasSubstr("format 2"));
}

}  // namespace
}  // namespace veneer
