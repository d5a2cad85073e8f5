// SPDX-License-Identifier: Apache-2.0
//
// Merged trees against a naive reference, with random layers.
#include "layerdb/store/tree.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "layerdb/layer/indexed_layer.h"
#include "layerdb/layer/layer_stack.h"
#include "layerdb/store/index_check.h"
#include "tests/unit/store/store_fixture.h"

namespace veneer {
namespace {

enum class Kind { kWhiteout, kDir, kOpaque, kImplied, kFile };

// What a layer says of a path. Files of one `link` are one file.
struct Said {
  Kind kind = Kind::kFile;
  uint32_t mode = 0;
  std::string link;
};
using RandomLayer = std::map<std::string, Said>;  // by path; every parent is in it

// --- the reference: at most 60 lines, as simple as possible ---
struct Object {
  bool dir = false;
  uint32_t mode = 0;
  std::string link;  // with the layer's number in front
  bool operator==(const Object&) const = default;
};
using NaiveTree = std::map<std::string, Object>;

void EraseBelow(NaiveTree& tree, const std::string& path, bool itself) {
  std::erase_if(tree, [&](const auto& each) {
    if (each.first == path) return itself;
    return path.empty() || each.first.starts_with(path + "/");
  });
}

NaiveTree NaiveMerge(const std::vector<RandomLayer>& bottom_first) {
  NaiveTree tree = {{"", {true, 0755, ""}}};
  int number = 0;
  for (const RandomLayer& layer : bottom_first) {
    ++number;
    for (const auto& [path, said] : layer) {  // parents come first
      const auto there = tree.find(path);
      const bool over_dir = there != tree.end() && there->second.dir;
      switch (said.kind) {
        case Kind::kWhiteout: EraseBelow(tree, path, true); break;
        case Kind::kFile:
          EraseBelow(tree, path, true);
          tree[path] = {false, said.mode, std::to_string(number) + said.link};
          break;
        case Kind::kOpaque:
          EraseBelow(tree, path, false);
          tree[path] = {true, said.mode, ""};
          break;
        case Kind::kImplied:
          if (!over_dir) tree[path] = {true, said.mode, ""};
          break;
        case Kind::kDir: tree[path] = {true, said.mode, ""}; break;
      }
    }
  }
  return tree;
}
// --- end of the reference ---

std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}
std::string Name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

RandomLayer MakeLayer(std::mt19937& random, bool marks) {
  RandomLayer layer;
  const auto mode = [&] { return static_cast<uint32_t>(random() % 01000); };
  layer[""] = {random() % 8 == 0 && marks ? Kind::kOpaque : Kind::kDir, mode(), ""};
  std::vector<std::string> dirs = {""};
  for (unsigned i = 3 + random() % 15; i > 0; --i) {
    const std::string& parent = dirs[random() % dirs.size()];
    const std::string path = (parent.empty() ? "" : parent + "/") +
                             std::string(1, static_cast<char>('a' + random() % 5));
    if (layer.contains(path)) continue;
    const unsigned roll = random() % 10;
    if (roll < 2 && marks) {
      layer[path] = {Kind::kWhiteout, 0, ""};
    } else if (roll < 6) {
      const Kind kind = !marks || roll < 4 ? Kind::kDir
                        : roll == 4        ? Kind::kOpaque
                                           : Kind::kImplied;
      layer[path] = {kind, mode(), ""};
      dirs.push_back(path);
    } else {
      // Now and then a further name of an earlier file.
      layer[path] = {Kind::kFile, 0, "/" + path};
      for (const auto& [other, said] : layer) {
        if (random() % 4 == 0 && said.kind == Kind::kFile) layer[path].link = said.link;
      }
      layer[path].mode = static_cast<uint32_t>(std::hash<std::string>()(layer[path].link) % 01000);
    }
  }
  // One that has nothing but marks in it is another matter (DirectoriesOfMarks).
  for (auto at = layer.rbegin(); at != layer.rend(); ++at) {
    const bool holds = std::any_of(layer.begin(), layer.end(), [&](const auto& other) {
      return other.first.starts_with(at->first + "/") && other.second.kind != Kind::kWhiteout &&
             other.second.kind != Kind::kImplied;
    });
    if (at->second.kind == Kind::kImplied && !holds) at->second.kind = Kind::kDir;
  }
  return layer;
}

// Writes it as an index. Inode numbers ascend with the paths.
void WriteLayer(const std::string& file, const RandomLayer& layer) {
  auto writer = Must(IndexWriter::Create(file));
  std::map<std::string, uint64_t> inos;  // of paths of directories, and of links
  std::map<std::string, uint32_t> nlinks;
  uint64_t next = 1;
  for (const auto& [path, said] : layer) {
    if (said.kind == Kind::kWhiteout) continue;
    const std::string& key = said.kind == Kind::kFile ? said.link : path;
    if (!inos.contains(key)) inos[key] = next++;
    if (said.kind == Kind::kFile) ++nlinks[said.link];
  }
  for (const auto& [path, said] : layer) {
    IndexEntry entry;
    switch (said.kind) {
      case Kind::kWhiteout: entry = WhiteoutEntry(); break;
      case Kind::kFile:
        entry = FileEntry(inos[said.link], said.link, nlinks[said.link]);
        entry.attr.mode = said.mode;
        break;
      default:
        entry = DirectoryEntry(inos[path], said.mode);
        entry.opaque = said.kind == Kind::kOpaque;
        entry.implied = said.kind == Kind::kImplied;
    }
    const auto put =
        path.empty() ? writer->PutRoot(entry) : writer->Put(inos[Parent(path)], Name(path), entry);
    ASSERT_TRUE(put.has_value()) << put.error().message();
  }
  Must(writer->Seal(false));
}

struct Walked {
  bool dir = false;
  uint32_t mode = 0;
  uint32_t nlink = 0;
  uint64_t ino = 0;
  std::string bytes;
  bool operator==(const Walked&) const = default;
};
using Tree = std::map<std::string, Walked>;

Tree Walk(const Layer& layer) {
  Tree tree;
  std::vector<std::pair<std::string, LayerObject>> todo = {{"", layer.Root()}};
  while (!todo.empty()) {
    const auto [path, object] = todo.back();
    todo.pop_back();
    const bool dir = object.attr.type == FileType::kDirectory;
    tree[path] = {dir, object.attr.mode, object.attr.nlink, object.attr.ino,
                  dir ? "" : std::string(Must(layer.Open(object.ref)).bytes)};
    if (!dir) continue;
    std::vector<std::pair<std::string, uint64_t>> names;
    EXPECT_TRUE(layer.List(object.ref, [&](const LayerDirent& entry) {
      EXPECT_FALSE(entry.whiteout);
      names.emplace_back(entry.name, entry.hint);
    }));
    for (const auto& [name, hint] : names) {
      todo.emplace_back(path.empty() ? name : path + "/" + name,
                        *Must(layer.Lookup(object.ref, name, hint)));
    }
  }
  return tree;
}

void ExpectIs(const Tree& tree, const NaiveTree& expected) {
  std::map<std::string, uint32_t> names;
  for (const auto& [path, object] : expected) ++names[object.link];
  std::map<std::string, uint64_t> ino_of;
  std::set<uint64_t> dir_inos;
  ASSERT_EQ(tree.size(), expected.size());
  for (const auto& [path, object] : expected) {
    const auto at = tree.find(path);
    ASSERT_NE(at, tree.end()) << path;
    const Walked& walked = at->second;
    EXPECT_EQ(walked.dir, object.dir) << path;
    EXPECT_EQ(walked.mode, object.mode) << path;
    if (object.dir) {
      EXPECT_TRUE(dir_inos.insert(walked.ino).second) << path;
      continue;
    }
    EXPECT_EQ(walked.bytes, object.link.substr(object.link.find('/'))) << path;
    EXPECT_EQ(walked.nlink, names[object.link]) << path;
    // One file, one number.
    const auto [first, fresh] = ino_of.emplace(object.link, walked.ino);
    EXPECT_EQ(first->second, walked.ino) << path;
  }
  std::set<uint64_t> file_inos;
  for (const auto& [link, ino] : ino_of) {
    EXPECT_TRUE(file_inos.insert(ino).second);
    EXPECT_FALSE(dir_inos.contains(ino));
  }
}

class Trees : public testing::Test {
 protected:
  std::string WriteNext(const RandomLayer& layer) {
    std::string path = dir_ / ("layer" + std::to_string(count_++));
    WriteLayer(path, layer);
    return path;
  }
  Tree Open(const std::string& path) {
    const auto tree = Must(IndexedLayer::Open(path, ""));
    EXPECT_TRUE(tree->is_tree());
    EXPECT_EQ(CheckIndex(tree->index()), "");
    return Walk(*tree);
  }

  const TempDir dir_;
  int count_ = 0;
};

TEST_F(Trees, OfRandomLayersAreWhatTheReferenceSays) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 150; ++round) {
    std::vector<RandomLayer> layers;
    std::vector<std::shared_ptr<IndexReader>> indexes;
    std::vector<std::shared_ptr<const Layer>> top_first;
    std::string below;
    Tree tree_below;
    for (unsigned i = 0, n = 1 + random() % 5; i < n; ++i) {
      layers.push_back(MakeLayer(random, i > 0 || random() % 2 == 0));
      const std::string file = WriteNext(layers.back());
      indexes.push_back(Must(IndexReader::Open(file)));
      top_first.insert(top_first.begin(), Must(IndexedLayer::Open(file, "")));

      // On top of the tree below, and all at once: the same, down to the inode numbers.
      const std::string id = std::to_string(round) + "-" + std::to_string(i);
      const std::string step = dir_ / ("step" + id);
      const std::string whole = dir_ / ("whole" + id);
      ASSERT_TRUE(BuildTree(step, below, std::span(&indexes.back(), 1)));
      ASSERT_TRUE(BuildTree(whole, "", indexes));
      const Tree tree = Open(step);
      EXPECT_EQ(tree, Open(whole));
      const NaiveTree expected = NaiveMerge(layers);
      ExpectIs(tree, expected);

      // What the layer does not touch keeps its number.
      for (const auto& [path, object] : expected) {
        const auto before = tree_below.find(path);
        if (before == tree_below.end() || before->second.dir != object.dir) continue;
        const bool untouched = !layers.back().contains(path);
        const auto said = layers.back().find(path);
        const bool merged =
            !untouched && (said->second.kind == Kind::kDir || said->second.kind == Kind::kImplied);
        // Below an opaque directory everything is new.
        bool replaced_above = false;
        for (std::string up = path; !up.empty();) {
          up = Parent(up);
          const auto at = layers.back().find(up);
          replaced_above |= at != layers.back().end() && at->second.kind == Kind::kOpaque;
        }
        if (!replaced_above && (untouched || merged)) {
          EXPECT_EQ(tree.at(path).ino, before->second.ino) << path;
        }
      }
      below = step;
      tree_below = tree;
      if (HasFailure()) return;
    }
    const Tree stacked = Walk(LayerStack(top_first));
    const Tree merged = Open(below);
    ASSERT_EQ(stacked.size(), merged.size());
    for (const auto& [path, walked] : merged) {
      ASSERT_TRUE(stacked.contains(path)) << path;
      EXPECT_EQ(stacked.at(path).mode, walked.mode) << path;
      EXPECT_EQ(stacked.at(path).bytes, walked.bytes) << path;
    }
  }
}

// Layers of one directory that no entry describes and that has only marks in it.
class DirectoriesOfMarks : public Trees {
 protected:
  // The paths of the tree of these layers, bottom first, with their modes.
  std::map<std::string, uint32_t> Merged(const std::vector<RandomLayer>& layers) {
    std::vector<std::shared_ptr<IndexReader>> indexes;
    for (const RandomLayer& layer : layers) {
      indexes.push_back(Must(IndexReader::Open(WriteNext(layer))));
    }
    const std::string path = dir_ / ("tree" + std::to_string(count_++));
    EXPECT_TRUE(BuildTree(path, "", indexes));
    std::map<std::string, uint32_t> out;
    for (const auto& [name, walked] : Open(path)) out[name] = walked.mode;
    return out;
  }
  const Said root_{Kind::kDir, 0755, ""};
  const Said implied_{Kind::kImplied, 0755, ""};
  const Said gone_{Kind::kWhiteout, 0, ""};
};

TEST_F(DirectoriesOfMarks, AreNotThereWhereTheyAreNotBelow) {
  const RandomLayer below = {{"", root_}, {"keep", {Kind::kFile, 0600, "/keep"}}};
  EXPECT_EQ(Merged({below, {{"", root_}, {"d", implied_}, {"d/x", gone_}}}),
            (std::map<std::string, uint32_t>{{"", 0755}, {"keep", 0600}}));
  // Nor do they take the place of a file.
  EXPECT_EQ(Merged({below, {{"", root_}, {"keep", implied_}, {"keep/x", gone_}}}),
            (std::map<std::string, uint32_t>{{"", 0755}, {"keep", 0600}}));
}

TEST_F(DirectoriesOfMarks, AreMadeForWhatStandsFurtherDown) {
  const RandomLayer above = {{"", root_},
                             {"d", implied_},
                             {"d/e", implied_},
                             {"d/e/f", {Kind::kFile, 0600, "/f"}},
                             {"d/g", implied_},
                             {"d/g/x", gone_}};
  const std::map<std::string, uint32_t> expected = {
      {"", 0755}, {"d", 0755}, {"d/e", 0755}, {"d/e/f", 0600}};
  EXPECT_EQ(Merged({{{"", root_}}, above}), expected);
  EXPECT_EQ(Merged({{{"", root_}, {"d", {Kind::kFile, 0600, "/d"}}}, above}), expected);
}

TEST_F(DirectoriesOfMarks, LeaveTheAttributesOfWhatIsBelow) {
  const RandomLayer below = {{"", root_},
                             {"d", {Kind::kDir, 01777, ""}},
                             {"d/x", {Kind::kFile, 0600, "/x"}},
                             {"d/y", {Kind::kFile, 0600, "/y"}}};
  EXPECT_EQ(Merged({below, {{"", root_}, {"d", implied_}, {"d/x", gone_}}}),
            (std::map<std::string, uint32_t>{{"", 0755}, {"d", 01777}, {"d/y", 0600}}));
}

}  // namespace
}  // namespace veneer
