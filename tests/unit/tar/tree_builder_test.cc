// SPDX-License-Identifier: Apache-2.0
#include "layerdb/tar/tree_builder.h"
#include "layerdb/tar/names.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>

namespace veneer {
namespace {

// A tree in the making, with entries given as text.
class TreeBuilderTest : public testing::Test {
 protected:
  TreePath Path(const std::string& text) { return *ParseTarPath(text, kMaxName); }
  TreeBuilder::Object Of(FileType type, uint32_t mode = 0644) {
    TreeBuilder::Object object;
    object.attr.type = type;
    object.attr.mode = mode;
    return object;
  }
  Result<TreeBuilder::Node> File(const std::string& path, uint64_t size = 1) {
    TreeBuilder::Object object = Of(FileType::kRegular);
    object.attr.size = size;
    return tree_.Add(Path(path), object);
  }
  Result<TreeBuilder::Node> Dir(const std::string& path, uint32_t mode = 0700) {
    return tree_.Add(Path(path), Of(FileType::kDirectory, mode));
  }
  Result<TreeBuilder::Node> Link(const std::string& path, const std::string& target) {
    TreeBuilder::Object object = Of(FileType::kSymlink, 0777);
    object.target = target;
    return tree_.Add(Path(path), object);
  }
  Result<void> HardLink(const std::string& path, const std::string& target) {
    return tree_.AddHardLink(Path(path), Path(target));
  }

  // The finished tree: a line for each name; directories end in '/', whiteouts in '!', opaque ones
  // in '*'.
  std::string Dump() {
    std::map<uint64_t, std::string> paths;
    std::map<std::string, std::string> lines;
    std::pair<uint64_t, std::string> last{0, ""};
    const Result<void> walked = tree_.Walk([&](const TreeBuilder::Visited& v) -> Result<void> {
      std::string path = v.dir == 0 ? "" : paths.at(v.dir) + "/" + std::string(v.name);
      const std::pair<uint64_t, std::string> now{v.dir, v.name};
      EXPECT_TRUE(v.dir == 0 || last < now) << "not in ascending order at " << path;
      last = now;
      std::string& line = lines[path];
      if (v.whiteout) {
        line = "!";
        return {};
      }
      if (v.attr.type == FileType::kDirectory) {
        paths[v.attr.ino] = path;
        line = v.opaque ? "/*" : "/";
        if (v.implied) line += "?";
      } else if (v.attr.type == FileType::kSymlink) {
        line = "->" + std::string(v.target);
      } else {
        line = "=" + std::to_string(v.attr.size);
        if (v.attr.nlink > 1) line += "x" + std::to_string(v.attr.nlink);
      }
      return {};
    });
    EXPECT_TRUE(walked);
    std::string out;
    for (const auto& [path, line] : lines) out += path + line + " ";
    return out;
  }

  TreeBuilder tree_{TreeBuilder::Limits(), 42};
};

struct FreshTree : TreeBuilderTest {
  using TreeBuilderTest::Dump;
  using TreeBuilderTest::File;
  using TreeBuilderTest::Path;
  using TreeBuilderTest::tree_;
  void TestBody() override {}
};

TEST_F(TreeBuilderTest, MakesMissingParentsWhichTakeTheirOwnEntryLater) {
  ASSERT_TRUE(File("a/b/c"));
  ASSERT_TRUE(Dir("a", 0711));
  EXPECT_EQ(Dump(), "/? /a/ /a/b/? /a/b/c=1 ");
}

TEST_F(TreeBuilderTest, AMissingParentHasTheTimeOfWhatIsFirstInItWhateverMarksAreInIt) {
  ASSERT_TRUE(tree_.AddWhiteout(Path("a/b/gone")));
  ASSERT_TRUE(tree_.AddWhiteout(Path("a/b/too")));
  for (const int64_t time : {70, 80}) {
    TreeBuilder::Object object = Of(FileType::kRegular);
    object.attr.mtime.sec = time;
    ASSERT_TRUE(tree_.Add(Path("a/b/" + std::to_string(time)), object));
  }
  size_t directories = 0;
  ASSERT_TRUE(tree_.Walk([&](const TreeBuilder::Visited& v) -> Result<void> {
    if (v.dir == 0 || v.attr.type != FileType::kDirectory) return {};
    ++directories;
    EXPECT_EQ(v.attr.mtime.sec, 70) << v.name;
    return {};
  }));
  EXPECT_EQ(directories, 2U);
}

TEST_F(TreeBuilderTest, AMissingParentBelowASetGroupIdDirectoryHasTheBit) {
  TreeBuilder::Object shared = Of(FileType::kDirectory, 02775);
  shared.attr.gid = 50;
  ASSERT_TRUE(tree_.Add(Path("shared"), shared));
  ASSERT_TRUE(File("shared/a/b/f"));
  ASSERT_TRUE(File("plain/c/f"));
  std::map<std::string, uint32_t> modes;
  ASSERT_TRUE(tree_.Walk([&](const TreeBuilder::Visited& v) -> Result<void> {
    if (!v.implied) return {};
    EXPECT_EQ(v.attr.gid, 0U) << v.name;
    modes[std::string(v.name)] = v.attr.mode;
    return {};
  }));
  EXPECT_EQ(modes, (std::map<std::string, uint32_t>{
                       {"", 0755}, {"a", 02755}, {"b", 02755}, {"c", 0755}, {"plain", 0755}}));
}

TEST_F(TreeBuilderTest, TheLastOfSeveralEntriesCounts) {
  ASSERT_TRUE(File("f", 1));
  ASSERT_TRUE(File("f", 2));
  ASSERT_TRUE(Dir("d"));
  ASSERT_TRUE(File("d/x"));
  ASSERT_TRUE(Dir("d", 0755));
  EXPECT_EQ(Dump(), "/? /d/ /d/x=1 /f=2 ");
}

TEST_F(TreeBuilderTest, AFileReplacesADirectoryAndTheReverse) {
  ASSERT_TRUE(File("d/x/y"));
  ASSERT_TRUE(File("d"));
  EXPECT_EQ(Dump(), "/? /d=1 ");
  ASSERT_TRUE(File("d/x"));
  EXPECT_EQ(Dump(), "/? /d/? /d/x=1 ");
}

TEST_F(TreeBuilderTest, AHardLinkIsToWhatItsTargetIsAtThatMoment) {
  ASSERT_TRUE(File("a", 1));
  ASSERT_TRUE(HardLink("b", "a"));
  ASSERT_TRUE(File("a", 2));
  ASSERT_TRUE(HardLink("c", "a"));
  EXPECT_EQ(Dump(), "/? /a=2x2 /b=1 /c=2x2 ");
}

TEST_F(TreeBuilderTest, AHardLinkToItselfAndThroughItsTargetsNameWork) {
  ASSERT_TRUE(File("a", 3));
  ASSERT_TRUE(HardLink("a", "a"));
  EXPECT_EQ(Dump(), "/? /a=3 ");
  ASSERT_TRUE(HardLink("a/b", "a"));
  EXPECT_EQ(Dump(), "/? /a/? /a/b=3 ");
}

TEST_F(TreeBuilderTest, AHardLinkToASymlinkIsOne) {
  ASSERT_TRUE(Link("l", "/etc/shadow"));
  ASSERT_TRUE(HardLink("m", "l"));
  EXPECT_EQ(Dump(), "/? /l->/etc/shadow /m->/etc/shadow ");
}

TEST_F(TreeBuilderTest, AHardLinkToNothingOrToADirectoryIsRefused) {
  ASSERT_TRUE(Dir("d"));
  for (const char* target : {"nowhere", "../../etc/shadow", "/etc/shadow", "d", "/", "x/y"}) {
    EXPECT_FALSE(HardLink("l", target)) << target;
  }
  // And nothing was made on the way.
  EXPECT_EQ(Dump(), "/? /d/ ");
}

TEST_F(TreeBuilderTest, SymlinksAmongParentsAreFollowedInsideTheTree) {
  ASSERT_TRUE(Link("abs", "/outside/dir"));
  ASSERT_TRUE(File("abs/x"));
  ASSERT_TRUE(Link("up", "../../../../etc"));
  ASSERT_TRUE(File("up/y"));
  ASSERT_TRUE(Dir("usr/lib"));
  ASSERT_TRUE(Link("lib", "usr/lib"));
  ASSERT_TRUE(File("lib/z"));
  EXPECT_EQ(Dump(),
            "/? /abs->/outside/dir /etc/? /etc/y=1 /lib->usr/lib /outside/? /outside/dir/? "
            "/outside/dir/x=1 /up->../../../../etc /usr/? /usr/lib/ /usr/lib/z=1 ");
}

TEST_F(TreeBuilderTest, ASymlinkAsTheLastComponentIsReplacedAndNeverFollowed) {
  ASSERT_TRUE(File("target", 9));
  ASSERT_TRUE(Link("l", "target"));
  ASSERT_TRUE(File("l", 1));
  EXPECT_EQ(Dump(), "/? /l=1 /target=9 ");
  ASSERT_TRUE(Dir("d"));
  ASSERT_TRUE(Link("m", "d"));
  ASSERT_TRUE(Dir("m", 0700));
  EXPECT_EQ(Dump(), "/? /d/ /l=1 /m/ /target=9 ");
}

TEST_F(TreeBuilderTest, AParentThatWasLookedUpIsForgottenWhenItIsReplaced) {
  ASSERT_TRUE(File("d/one"));
  ASSERT_TRUE(Link("d", "/elsewhere"));
  ASSERT_TRUE(File("d/two"));
  ASSERT_TRUE(File("d"));
  ASSERT_TRUE(File("d/three"));
  EXPECT_EQ(Dump(), "/? /d/? /d/three=1 /elsewhere/? /elsewhere/two=1 ");
  // The same through a symlink in the middle of the way.
  ASSERT_TRUE(Link("s", "d"));
  ASSERT_TRUE(File("s/four"));
  ASSERT_TRUE(Link("s", "e"));
  ASSERT_TRUE(File("s/five"));
  EXPECT_EQ(Dump(),
            "/? /d/? /d/four=1 /d/three=1 /e/? /e/five=1 /elsewhere/? /elsewhere/two=1 /s->e ");
}

TEST_F(TreeBuilderTest, LoopsOfSymlinksEndWithOneLine) {
  ASSERT_TRUE(Link("a", "b"));
  ASSERT_TRUE(Link("b", "a"));
  ASSERT_TRUE(Link("self", "self/x"));
  for (const char* path : {"a/x", "self/x"}) {
    const auto added = File(path);
    ASSERT_FALSE(added);
    EXPECT_NE(added.error().message().find("symbolic links"), std::string::npos);
  }
  // A mark adds nothing, wherever its path leads to.
  EXPECT_TRUE(tree_.MakeOpaque(Path("a/x")));
  EXPECT_TRUE(tree_.AddWhiteout(Path("self/x/gone")));
  EXPECT_FALSE(Link("empty", ""));
  EXPECT_FALSE(Link("long", std::string(4096, 'x')));
}

TEST_F(TreeBuilderTest, TheRootIsADirectory) {
  EXPECT_FALSE(File("."));
  EXPECT_FALSE(Link("/", "/etc"));
  EXPECT_FALSE(HardLink("./", "a"));
  ASSERT_TRUE(Dir(".", 0750));
  EXPECT_EQ(Dump(), "/ ");
}

TEST_F(TreeBuilderTest, WhiteoutsSpeakOfTheLayersBelowWhereverTheyStand) {
  ASSERT_TRUE(tree_.AddWhiteout(Path("gone")));
  ASSERT_TRUE(tree_.AddWhiteout(Path("d")));
  ASSERT_TRUE(File("d/x"));
  ASSERT_TRUE(File("f"));
  ASSERT_TRUE(tree_.AddWhiteout(Path("f")));
  ASSERT_TRUE(Dir("e"));
  ASSERT_TRUE(tree_.AddWhiteout(Path("e/inside")));
  EXPECT_EQ(Dump(), "/? /d/* /d/x=1 /e/ /e/inside! /f=1 /gone! ");
  // Nothing has to be deleted where nothing shows.
  ASSERT_TRUE(tree_.MakeOpaque(Path("e")));
  EXPECT_EQ(Dump(), "/? /d/* /d/x=1 /e/* /f=1 /gone! ");
}

TEST(TreeBuilderMarksTest, AMarkDoesNotBringBackTheDirectoryThatItIsIn) {
  const std::vector<std::pair<std::string, std::string>> orders = {
      {"d", "d/x"}, {"d/x", "d"}, {"d", "d/s/y"}, {"d/s/y", "d"}};
  for (const auto& [one, two] : orders) {
    FreshTree t;
    ASSERT_TRUE(t.tree_.AddWhiteout(t.Path(one)));
    ASSERT_TRUE(t.tree_.AddWhiteout(t.Path(two)));
    EXPECT_EQ(t.Dump(), "/? /d! ") << one << " " << two;
    ASSERT_TRUE(t.tree_.MakeOpaque(t.Path("d")));
    ASSERT_TRUE(t.tree_.MakeOpaque(t.Path("d/t")));
    EXPECT_EQ(t.Dump(), "/? /d! ") << one << " " << two;
    // With something in it, it is a new directory.
    ASSERT_TRUE(t.File("d/z/f"));
    EXPECT_EQ(t.Dump(), "/? /d/* /d/z/? /d/z/f=1 ");
  }
}

TEST_F(TreeBuilderTest, AMarkReplacesNothing) {
  ASSERT_TRUE(File("f"));
  ASSERT_TRUE(tree_.AddWhiteout(Path("f/x")));
  ASSERT_TRUE(tree_.MakeOpaque(Path("f")));
  ASSERT_TRUE(tree_.MakeOpaque(Path("f/y")));
  EXPECT_EQ(Dump(), "/? /f=1 ");
}

TEST_F(TreeBuilderTest, NothingIsLeftOfMarksBelowAnOpaqueDirectory) {
  ASSERT_TRUE(Dir("e"));
  ASSERT_TRUE(tree_.AddWhiteout(Path("e/d/x")));
  EXPECT_EQ(Dump(), "/? /e/ /e/d/? /e/d/x! ");
  ASSERT_TRUE(tree_.MakeOpaque(Path("e")));
  EXPECT_EQ(Dump(), "/? /e/* ");
}

TEST_F(TreeBuilderTest, ASymlinkHasNoModeOfItsOwn) {
  TreeBuilder::Object link = Of(FileType::kSymlink, 04755);
  link.target = "t";
  ASSERT_TRUE(tree_.Add(Path("l"), link));
  uint32_t mode = 0;
  ASSERT_TRUE(tree_.Walk([&](const TreeBuilder::Visited& v) -> Result<void> {
    if (v.name == "l") mode = v.attr.mode;
    return {};
  }));
  EXPECT_EQ(mode, 0777U);
}

TEST_F(TreeBuilderTest, WhiteoutsThroughSymlinksStayInside) {
  ASSERT_TRUE(Link("x", "/outside"));
  ASSERT_TRUE(tree_.AddWhiteout(Path("x/victim")));
  ASSERT_TRUE(tree_.MakeOpaque(Path("x")));
  EXPECT_EQ(Dump(), "/? /outside/*? /x->/outside ");
}

TEST_F(TreeBuilderTest, LimitsEndWithAnError) {
  TreeBuilder small({.entries = 3, .symlink_steps = 5}, 1);
  ASSERT_TRUE(small.Add(Path("a/b"), Of(FileType::kRegular)));
  ASSERT_TRUE(small.Add(Path("c"), Of(FileType::kRegular)));
  EXPECT_FALSE(small.Add(Path("d"), Of(FileType::kRegular)));
}

TEST_F(TreeBuilderTest, TheBytesOfNamesLinksAndAttributesAreBounded) {
  const TreeBuilder::Limits limits{.bytes = 1000};
  TreeBuilder names(limits, 1);
  TreeBuilder links(limits, 1);
  TreeBuilder xattrs(limits, 1);
  TreeBuilder::Object link = Of(FileType::kSymlink);
  link.target = std::string(200, 't');
  TreeBuilder::Object file = Of(FileType::kRegular);
  file.xattrs = {{"user.x", std::string(200, 'v')}};
  int ended = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::string(100, 'n') + std::to_string(i);
    ended += names.Add(Path(name), Of(FileType::kRegular)).has_value() ? 0 : 1;
    // What is replaced counts too.
    ended += links.Add(Path("l"), link).has_value() ? 0 : 1;
    ended += xattrs.Add(Path("f"), file).has_value() ? 0 : 1;
  }
  EXPECT_EQ(ended, 1 + 6 + 7);
  EXPECT_FALSE(TreeBuilder(limits, 1).Charge(1001));
}

TEST_F(TreeBuilderTest, SaysWhenAPlaceIsDescribedTwice) {
  ASSERT_TRUE(File("a/b"));
  ASSERT_TRUE(Dir("a"));
  ASSERT_TRUE(HardLink("c", "a/b"));
  ASSERT_TRUE(Dir("."));
  ASSERT_TRUE(tree_.AddWhiteout(Path("gone")));
  ASSERT_TRUE(tree_.MakeOpaque(Path("a")));
  EXPECT_FALSE(tree_.has_repeats());
  ASSERT_TRUE(tree_.AddWhiteout(Path("gone")));
  EXPECT_TRUE(tree_.has_repeats());
  FreshTree file;
  ASSERT_TRUE(file.File("a/b"));
  ASSERT_TRUE(file.File("a/b"));
  EXPECT_TRUE(file.tree_.has_repeats());
  FreshTree link;
  ASSERT_TRUE(link.File("a"));
  ASSERT_TRUE(link.tree_.AddHardLink(link.Path("a"), link.Path("a")));
  EXPECT_TRUE(link.tree_.has_repeats());
}

TEST_F(TreeBuilderTest, TimeStaysLinearWhateverTheArchiveHolds) {
  // A chain of symlinks that each lead through the others, entries below it, and the chain replaced
  // each time.
  TreeBuilder tree({.entries = 1000000, .symlink_steps = 100000}, 7);
  TreeBuilder::Object link = Of(FileType::kSymlink);
  link.target = std::string(4000, '/') + "a/..";
  for (int i = 0; i < 10; ++i) link.target += "/s/..";
  ASSERT_TRUE(tree.Add(Path("s"), link));
  bool stopped = false;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 200000 && !stopped; ++i) {
    stopped = !tree.Add(Path("s/x" + std::to_string(i)), Of(FileType::kRegular));
  }
  EXPECT_TRUE(stopped);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

// Against a naive tree of maps that looks everything up from the root.
TEST_F(TreeBuilderTest, AgreesWithANaiveTree) {
  struct Naive {
    std::shared_ptr<std::map<std::string, Naive>> dir;
    std::shared_ptr<std::pair<uint64_t, int>> file;  // size, links
  };
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    TreeBuilder tree(TreeBuilder::Limits(), random());
    Naive root{std::make_shared<std::map<std::string, Naive>>(), nullptr};
    auto path = [&] {
      std::string out(1, static_cast<char>('a' + random() % 3));
      while (random() % 3 != 0) out += std::string("/") + static_cast<char>('a' + random() % 3);
      return out;
    };
    std::function<void(Naive&)> drop = [&](Naive& node) {
      if (node.file) --node.file->second;
      if (node.dir) {
        for (auto& [name, child] : *node.dir) drop(child);
      }
      node = {};
    };
    auto at = [&](const std::string& text, bool make) -> Naive* {
      Naive* node = &root;
      const TreePath parts = Path(text);
      for (size_t i = 0; i < parts.size(); ++i) {
        if (!node->dir) {
          if (!make) return nullptr;
          drop(*node);
          node->dir = std::make_shared<std::map<std::string, Naive>>();
        }
        const std::string part(parts[i]);
        if (!make && !node->dir->contains(part)) return nullptr;
        node = &(*node->dir)[part];
      }
      return node;
    };
    for (int step = 0; step < 60; ++step) {
      const std::string where = path();
      const unsigned what = random() % 4;
      if (what == 0) {
        ASSERT_TRUE(tree.Add(Path(where), Of(FileType::kDirectory)));
        Naive* node = at(where, true);
        if (!node->dir) {
          drop(*node);
          node->dir = std::make_shared<std::map<std::string, Naive>>();
        }
      } else if (what == 1) {
        const std::string target = path();
        Naive* from = at(target, false);
        const bool can = from != nullptr && from->file != nullptr;
        ASSERT_EQ(tree.AddHardLink(Path(where), Path(target)).has_value(), can);
        if (!can) continue;
        const auto file = from->file;
        ++file->second;
        Naive* node = at(where, true);
        drop(*node);
        node->file = file;
      } else {
        TreeBuilder::Object object = Of(FileType::kRegular);
        object.attr.size = random() % 100;
        ASSERT_TRUE(tree.Add(Path(where), object));
        Naive* node = at(where, true);
        drop(*node);
        node->file = std::make_shared<std::pair<uint64_t, int>>(object.attr.size, 1);
      }
    }
    std::map<uint64_t, const Naive*> dirs;
    size_t names = 0;
    ASSERT_TRUE(tree.Walk([&](const TreeBuilder::Visited& v) -> Result<void> {
      const Naive* node = &root;
      if (v.dir != 0) {
        const auto child = dirs.at(v.dir)->dir->find(std::string(v.name));
        if (child == dirs.at(v.dir)->dir->end()) return MakeError("a name too many");
        node = &child->second;
        ++names;
      }
      if (v.attr.type == FileType::kDirectory) {
        if (!node->dir) return MakeError("no directory");
        dirs[v.attr.ino] = node;
      } else if (!node->file || node->file->first != v.attr.size ||
                 node->file->second != static_cast<int>(v.attr.nlink)) {
        return MakeError("another file");
      }
      return {};
    })) << "round "
        << round;
    std::function<size_t(const Naive&)> count = [&](const Naive& node) -> size_t {
      size_t sum = 0;
      if (node.dir) {
        for (const auto& [name, child] : *node.dir) sum += 1 + count(child);
      }
      return sum;
    };
    EXPECT_EQ(names, count(root)) << "round " << round;
  }
}

}  // namespace
}  // namespace veneer
