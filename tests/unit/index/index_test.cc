// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "layerdb/index/index_reader.h"
#include "layerdb/index/index_writer.h"
#include "tests/unit/index/temp_dir.h"

namespace veneer {
namespace {

using Names = std::vector<std::string>;

Names List(const IndexReader& index, uint64_t dir) {
  Names names;
  const Sys<void> listed =
      index.List(dir, [&](std::string_view name, const IndexReader::Record& found) {
        names.emplace_back(name);
        // A position is a lasting name of the record.
        EXPECT_EQ(Must(index.At(found.position)).bytes(), found.entry.bytes());
        return true;
      });
  EXPECT_TRUE(listed.has_value());
  return names;
}

TEST(Index, GivesBackWhatWasPutInOrder) {
  const TempDir dir;
  const std::string path = dir / "index";
  auto writer = Must(IndexWriter::Create(path));
  ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1, 0711)));
  ASSERT_TRUE(writer->Put(1, "bin", DirectoryEntry(2)));
  ASSERT_TRUE(writer->Put(1, "gone", WhiteoutEntry()));
  ASSERT_TRUE(writer->Put(2, "b", FileEntry(3, "bee")));
  // Not ascending: any order is allowed.
  ASSERT_TRUE(writer->Put(2, "a", FileEntry(4, "")));
  ASSERT_TRUE(writer->Put(2, "\xff\xfe", FileEntry(5, std::string(100'000, 'x'))));
  const IndexSummary sums = Must(writer->Seal(true));
  EXPECT_EQ(sums.entries, 5U);
  EXPECT_EQ(sums.whiteouts, 1U);
  EXPECT_EQ(sums.directories, 2U);
  EXPECT_EQ(sums.files, 3U);
  EXPECT_EQ(sums.bytes, 100'003U);
  EXPECT_EQ(sums.next_ino, 6U);

  const auto index = Must(IndexReader::Open(path));
  EXPECT_EQ(index->summary().bytes, 100'003U);
  EXPECT_FALSE(index->is_tree());
  EXPECT_EQ(index->Root().entry.attr().mode, 0711U);
  EXPECT_EQ(List(*index, 1), (Names{"bin", "gone"}));
  EXPECT_EQ(List(*index, 2), (Names{"a", "b", "\xff\xfe"}));
  EXPECT_EQ(List(*index, 3), Names());
  EXPECT_EQ(Must(index->Find(2, "b"))->entry.inline_bytes(), "bee");
  EXPECT_TRUE(Must(index->Find(1, "gone"))->entry.whiteout());
  EXPECT_FALSE(Must(index->Find(2, "c")).has_value());
  EXPECT_FALSE(Must(index->Find(2, "")).has_value());
  EXPECT_FALSE(Must(index->Find(2, std::string(1000, 'x'))).has_value());
  EXPECT_EQ(Must(index->Find(2, "\xff\xfe"))->entry.inline_bytes().size(), 100'000U);
  EXPECT_EQ(Must(index->PathOfDirectory(2)), "bin");
  EXPECT_EQ(Must(index->PathOfDirectory(1)), "");
  EXPECT_FALSE(index->PathOfDirectory(3).has_value());
}

TEST(Index, CorrectsLinkCountsAndKnowsAllNamesOfAFile) {
  const TempDir dir;
  auto writer = Must(IndexWriter::Create(dir / "index"));
  ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
  ASSERT_TRUE(writer->Put(1, "d", DirectoryEntry(2)));
  ASSERT_TRUE(writer->Put(1, "one", FileEntry(3, "abc", 7)));  // three names in truth
  ASSERT_TRUE(writer->Put(1, "solo", FileEntry(4, "de", 2)));  // one name in truth
  ASSERT_TRUE(writer->Put(1, "two", FileEntry(3, "abc", 7)));
  ASSERT_TRUE(writer->Put(2, "three", FileEntry(3, "abc", 7)));
  const IndexSummary sums = Must(writer->Seal(false));
  EXPECT_EQ(sums.bytes, 5U);
  EXPECT_EQ(sums.hard_links, 3U);

  const auto index = Must(IndexReader::Open(dir / "index"));
  EXPECT_EQ(Must(index->Find(1, "one"))->entry.nlink(), 3U);
  EXPECT_EQ(Must(index->Find(2, "three"))->entry.nlink(), 3U);
  EXPECT_EQ(Must(index->Find(1, "solo"))->entry.nlink(), 1U);
  EXPECT_EQ(Must(index->NamesOf(4)).size(), 0U);
  Names names;
  for (const IndexReader::NameOf& name : Must(index->NamesOf(3))) {
    names.push_back(std::to_string(name.dir) + "/" + std::string(name.name));
  }
  EXPECT_EQ(names, (Names{"1/one", "1/two", "2/three"}));
}

TEST(Index, RefusesWhatNoDirectoryCanHold) {
  const TempDir dir;
  auto writer = Must(IndexWriter::Create(dir / "index"));
  EXPECT_FALSE(writer->PutRoot(FileEntry(1, "")));
  EXPECT_FALSE(writer->PutRoot(DirectoryEntry(2)));
  ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
  EXPECT_FALSE(writer->Put(1, "..", FileEntry(2, "")));
  EXPECT_FALSE(writer->Put(1, "a/b", FileEntry(2, "")));
  EXPECT_FALSE(writer->Put(1, std::string(256, 'x'), FileEntry(2, "")));
  EXPECT_FALSE(writer->Put(0, "a", FileEntry(2, "")));
  EXPECT_FALSE(writer->Put(1, "a", FileEntry(1, "")));
  EXPECT_FALSE(writer->Put(1, "a", FileEntry(kIndexMaxIno, "")));
  IndexEntry wrong_size = FileEntry(2, "abc");
  wrong_size.attr.size = 4;
  EXPECT_FALSE(writer->Put(1, "a", wrong_size));
  ASSERT_TRUE(writer->Put(1, "a", FileEntry(2, "")));
  EXPECT_FALSE(writer->Put(1, "a", FileEntry(3, "")));
}

TEST(Index, LeavesNothingBehindWithoutASeal) {
  const TempDir dir;
  const std::string path = dir / "index";
  {
    auto writer = Must(IndexWriter::Create(path));
    ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
    EXPECT_TRUE(std::filesystem::exists(path));
    EXPECT_FALSE(IndexWriter::Create(path).has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Index, HoldsMoreThanTheFirstMap) {
  const TempDir dir;
  auto writer = Must(IndexWriter::Create(dir / "index", 128 * 1024));
  ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
  const std::string content(2500, 'c');
  for (int i = 0; i < 2000; ++i) {
    const std::string name = "f" + std::to_string(i);  // not ascending
    ASSERT_TRUE(writer->Put(1, name, FileEntry(static_cast<uint64_t>(2 + i), content)));
  }
  EXPECT_EQ(Must(writer->Seal(false)).entries, 2001U);
  const auto index = Must(IndexReader::Open(dir / "index"));
  EXPECT_EQ(List(*index, 1).size(), 2000U);
  EXPECT_EQ(Must(index->Find(1, "f1999"))->entry.inline_bytes(), content);
}

TEST(Index, IsTheSameFileForTheSameEntries) {
  const TempDir dir;
  for (const char* name : {"a", "b"}) {
    auto writer = Must(IndexWriter::Create(dir / name));
    ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
    for (int i = 0; i < 3000; ++i) {
      ASSERT_TRUE(writer->Put(1, "f" + std::to_string(10'000 + i),
                              FileEntry(static_cast<uint64_t>(2 + i), std::to_string(i))));
    }
    Must(writer->Seal(false));
  }
  EXPECT_EQ(ReadFile(dir / "a"), ReadFile(dir / "b"));
}

TEST(Index, AnswersManyThreadsAtOnce) {
  const TempDir dir;
  auto writer = Must(IndexWriter::Create(dir / "index"));
  ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
  for (uint64_t i = 0; i < 5000; ++i) {
    ASSERT_TRUE(writer->Put(1, "f" + std::to_string(i), FileEntry(2 + i, std::to_string(i))));
  }
  Must(writer->Seal(false));
  const auto index = Must(IndexReader::Open(dir / "index"));
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 3000; ++i) {
        const std::string number = std::to_string(random() % 5000);
        const auto found = index->Find(1, "f" + number);
        if (!found || !*found || (*found)->entry.inline_bytes() != number) ++wrong;
        if (i % 1000 == 0) {
          int count = 0;
          // A listing in which another search runs.
          const Sys<void> listed =
              index->List(1, [&](std::string_view name, const IndexReader::Record& there) {
                if (count++ % 500 == 0) {
                  const auto again = index->Find(1, name);
                  if (!again || !*again || (*again)->position != there.position) ++wrong;
                }
                return true;
              });
          if (!listed || count != 5000) ++wrong;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace veneer
