// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "layerdb/index/index_reader.h"
#include "layerdb/index/index_writer.h"
#include "tests/unit/index/temp_dir.h"

namespace veneer {
namespace {

// What an index holds, in the simplest form: (dir, name) -> (ino, content or "<dir>").
using Model = std::map<std::pair<uint64_t, std::string>, std::pair<uint64_t, std::string>>;
constexpr const char* kDir = "<dir>";

void EraseFrom(Model& model, uint64_t dir, const std::string& name) {
  const auto at = model.find({dir, name});
  if (at == model.end()) return;
  const auto [ino, content] = at->second;
  model.erase(at);
  if (content != kDir) return;
  std::vector<std::string> children;
  for (const auto& [key, value] : model) {
    if (key.first == ino) children.push_back(key.second);
  }
  for (const std::string& child : children) EraseFrom(model, ino, child);
}

void ExpectHolds(const std::string& path, const Model& model) {
  const auto index = Must(IndexReader::Open(path));
  std::map<uint64_t, uint32_t> names;
  std::map<uint64_t, size_t> sizes;
  for (const auto& [key, value] : model) {
    if (value.second == kDir) continue;
    ++names[value.first];
    sizes[value.first] = value.second.size();
  }
  uint64_t bytes = 0;
  for (const auto& [ino, size] : sizes) bytes += size;
  Model found;
  ASSERT_TRUE(
      index->ForEach([&](uint64_t dir, std::string_view name, const IndexReader::Record& at) {
        if (dir == 0) return true;
        const bool directory = at.entry.type() == FileType::kDirectory;
        found[{dir, std::string(name)}] = {at.entry.ino(),
                                           directory ? kDir : std::string(at.entry.inline_bytes())};
        const size_t records = Must(index->NamesOf(at.entry.ino())).size();
        if (directory) {
          EXPECT_EQ(records, 1U);
        } else {
          EXPECT_EQ(at.entry.nlink(), names[at.entry.ino()]);
          EXPECT_EQ(records, at.entry.nlink() > 1 ? at.entry.nlink() : 0U);
        }
        return true;
      }));
  EXPECT_EQ(found, model);
  const IndexSummary& sums = index->summary();
  uint64_t links = 0;
  uint64_t files = 0;
  for (const auto& [ino, count] : names) {
    files += count;
    if (count > 1) links += count;
  }
  EXPECT_EQ(sums.entries, model.size() + 1);
  EXPECT_EQ(sums.files, files);
  EXPECT_EQ(sums.directories, model.size() - files + 1);
  EXPECT_EQ(sums.hard_links, links);
  EXPECT_EQ(sums.bytes, bytes);
}

TEST(IndexEditor, AgreesWithAMapAfterAnyChanges) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const TempDir dir;
  const std::string path = dir / "index";
  {
    auto writer = Must(IndexWriter::Create(path));
    ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
    Must(writer->Seal(false));
  }
  Model model;
  for (int round = 0; round < 30; ++round) {
    auto editor = Must(IndexEditor::Open(path));
    for (int step = 0; step < 60; ++step) {
      std::vector<uint64_t> dirs = {1};
      std::vector<std::pair<uint64_t, std::string>> files;
      for (const auto& [key, value] : model) {
        if (value.second == kDir) {
          dirs.push_back(value.first);
        } else {
          files.push_back(value);
        }
      }
      const uint64_t parent = dirs[random() % dirs.size()];
      const std::string name = "n" + std::to_string(random() % 12);
      const auto there = model.find({parent, name});
      const bool dir_there = there != model.end() && there->second.second == kDir;
      switch (random() % 4) {
        case 0:
          ASSERT_TRUE(editor->Erase(parent, name));
          EraseFrom(model, parent, name);
          break;
        case 1: {  // a directory
          if (dir_there || dirs.size() > 8) break;
          const uint64_t ino = editor->next_ino();
          ASSERT_TRUE(editor->Put(parent, name, DirectoryEntry(ino)));
          model[{parent, name}] = {ino, kDir};
          break;
        }
        case 2: {  // a new file
          if (dir_there) {
            EXPECT_FALSE(editor->Put(parent, name, FileEntry(editor->next_ino(), "x")));
            break;
          }
          const uint64_t ino = editor->next_ino();
          const std::string bytes(random() % 50, 'f');
          ASSERT_TRUE(editor->Put(parent, name, FileEntry(ino, bytes)));
          model[{parent, name}] = {ino, bytes};
          break;
        }
        default: {  // two new names of one new file
          const std::string other = "m" + std::to_string(random() % 12);
          const auto taken = model.find({parent, other});
          if (dir_there || (taken != model.end() && taken->second.second == kDir)) break;
          const uint64_t ino = editor->next_ino();
          for (const std::string& each : {name, other}) {
            ASSERT_TRUE(editor->Put(parent, each, FileEntry(ino, "linked", 2)));
            model[{parent, each}] = {ino, "linked"};
          }
        }
      }
      const auto got = Must(editor->Get(parent, name));
      ASSERT_EQ(got.has_value(), model.contains({parent, name}));
    }
    Must(editor->Seal(false));
    ExpectHolds(path, model);
    if (HasFailure()) return;
  }
}

TEST(IndexEditor, ChangesADirectoryInPlaceAndKeepsWhatIsInIt) {
  const TempDir dir;
  const std::string path = dir / "index";
  auto writer = Must(IndexWriter::Create(path));
  ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
  ASSERT_TRUE(writer->Put(1, "d", DirectoryEntry(2, 0700)));
  ASSERT_TRUE(writer->Put(2, "f", FileEntry(3, "x")));
  Must(writer->Seal(false));
  auto editor = Must(IndexEditor::Open(path));
  ASSERT_TRUE(editor->Put(1, "d", DirectoryEntry(2, 0755)));
  ASSERT_TRUE(editor->Put(0, "", DirectoryEntry(1, 0711)));
  EXPECT_FALSE(editor->Put(1, "d", DirectoryEntry(9)));
  EXPECT_FALSE(editor->Put(1, "w", WhiteoutEntry()));
  Must(editor->Seal(true));
  const auto index = Must(IndexReader::Open(path));
  EXPECT_EQ(index->Root().entry.attr().mode, 0711U);
  EXPECT_EQ(Must(index->Find(1, "d"))->entry.attr().mode, 0755U);
  EXPECT_TRUE(Must(index->Find(2, "f")).has_value());
  EXPECT_EQ(index->summary().entries, 3U);
}

// Deeper than any stack of calls would be.
TEST(IndexEditor, ErasesADeepTree) {
  const TempDir dir;
  const std::string path = dir / "index";
  auto writer = Must(IndexWriter::Create(path));
  ASSERT_TRUE(writer->PutRoot(DirectoryEntry(1)));
  constexpr uint64_t kDepth = 50'000;
  for (uint64_t i = 1; i < kDepth; ++i) {
    ASSERT_TRUE(writer->Put(i, "d", DirectoryEntry(i + 1)));
  }
  Must(writer->Seal(false));
  auto editor = Must(IndexEditor::Open(path));
  ASSERT_TRUE(editor->Erase(1, "d"));
  EXPECT_EQ(Must(editor->Seal(false)).entries, 1U);
}

}  // namespace
}  // namespace veneer
