// SPDX-License-Identifier: Apache-2.0
//
// LayerStack over plain directories: what shows, what hides, in every dialect.
#include "layerdb/layer/layer_stack.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "layerdb/layer/dir_layer.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class LayerStackTest : public ::testing::Test {
 protected:
  void SetUp() override { base_ = MakeTempDir("stack"); }
  void TearDown() override { fs::remove_all(base_); }

  void File(const std::string& path, const std::string& text) {
    fs::create_directories((base_ / path).parent_path());
    std::ofstream(base_ / path) << text;
  }
  void Dir(const std::string& path) { fs::create_directories(base_ / path); }
  void Mark(const std::string& path, const char* name, const std::string& value) {
    ASSERT_EQ(::lsetxattr((base_ / path).c_str(), name, value.data(), value.size(), 0), 0)
        << path << " " << name;
  }

  // Layers top first.
  std::unique_ptr<LayerStack> Stack(const std::vector<std::string>& names) {
    std::vector<std::shared_ptr<const Layer>> layers;
    for (const auto& name : names) {
      auto layer = DirLayer::Open(base_ / name, {});
      EXPECT_TRUE(layer.has_value()) << layer.error().message();
      layers.push_back(*std::move(layer));
    }
    return std::make_unique<LayerStack>(std::move(layers));
  }

  // The whole tree as "path" -> contents, "<dir>" for directories; checks that listing and lookup
  // agree.
  static std::map<std::string, std::string> Tree(const Layer& layer) {
    std::map<std::string, std::string> out;
    Walk(layer, layer.Root().ref, "", out);
    return out;
  }
  static void Walk(const Layer& layer, const LayerRef& dir, const std::string& prefix,
                   std::map<std::string, std::string>& out) {
    std::map<std::string, LayerDirent> names;
    ASSERT_TRUE(layer.List(dir, [&](const LayerDirent& entry) {
      EXPECT_FALSE(entry.whiteout);
      EXPECT_TRUE(names.emplace(entry.name, entry).second) << "twice: " << entry.name;
    }));
    for (const auto& [name, entry] : names) {
      for (const bool hinted : {true, false}) {
        const auto object = layer.Lookup(dir, name, hinted ? entry.hint : 0);
        ASSERT_TRUE(object.has_value() && object->has_value()) << prefix + name;
        EXPECT_EQ((*object)->attr.type, entry.type);
        EXPECT_EQ((*object)->attr.ino, entry.ino) << prefix + name;
        if (!hinted) continue;
        if (entry.type == FileType::kDirectory) {
          out[prefix + name] = "<dir>";
          Walk(layer, (*object)->ref, prefix + name + "/", out);
        } else if (entry.type == FileType::kRegular) {
          const auto content = layer.Open((*object)->ref);
          ASSERT_TRUE(content.has_value());
          std::string text((*object)->attr.size, '\0');
          const auto n = sys::ReadAt(content->fd.get(), text.data(), text.size(), 0);
          ASSERT_TRUE(n.has_value());
          out[prefix + name] = text;
        }
      }
    }
  }

  fs::path base_;
};

using Map = std::map<std::string, std::string>;

TEST_F(LayerStackTest, TopLayerHidesAndDirectoriesMerge) {
  File("a/d/x", "top");
  File("b/d/x", "bottom");
  File("b/d/y", "below");
  EXPECT_EQ(Tree(*Stack({"a", "b"})), (Map{{"d", "<dir>"}, {"d/x", "top"}, {"d/y", "below"}}));
}

TEST_F(LayerStackTest, AufsWhiteoutDeletesInItsDirectoryOnly) {
  File("a/.wh.test", "");
  Dir("a/d");
  File("b/test", "gone");
  File("b/d/test", "stays");
  EXPECT_EQ(Tree(*Stack({"a", "b"})), (Map{{"d", "<dir>"}, {"d/test", "stays"}}));
}

TEST_F(LayerStackTest, AufsOpaqueMarkHidesLowerEntries) {
  File("a/d/.wh..wh..opq", "");
  File("a/d/new", "new");
  File("b/d/old", "old");
  EXPECT_EQ(Tree(*Stack({"a", "b"})), (Map{{"d", "<dir>"}, {"d/new", "new"}}));
}

TEST_F(LayerStackTest, WhiteoutBesideADirectoryOfTheSameLayerMakesItOpaque) {
  File("a/.wh.d", "");
  File("a/d/new", "new");
  File("b/d/old", "old");
  EXPECT_EQ(Tree(*Stack({"a", "b"})), (Map{{"d", "<dir>"}, {"d/new", "new"}}));
}

TEST_F(LayerStackTest, DeviceWhiteoutDeletes) {
  Dir("a/d");
  ASSERT_EQ(::mknod((base_ / "a/d/x").c_str(), S_IFCHR, 0), 0);
  File("b/d/x", "gone");
  File("b/d/y", "stays");
  EXPECT_EQ(Tree(*Stack({"a", "b"})), (Map{{"d", "<dir>"}, {"d/y", "stays"}}));
  EXPECT_EQ(Tree(*Stack({"a"})), (Map{{"d", "<dir>"}})) << "a whiteout never shows itself";
}

TEST_F(LayerStackTest, XattrOpaqueInEveryNamespace) {
  int n = 0;
  for (const char* name :
       {"user.overlay.opaque", "trusted.overlay.opaque", "user.fuseoverlayfs.opaque"}) {
    const std::string top = "t" + std::to_string(n);
    const std::string low = "l" + std::to_string(n++);
    File(top + "/d/new", "new");
    File(low + "/d/old", "old");
    Mark(top + "/d", name, "y");
    EXPECT_EQ(Tree(*Stack({top, low})), (Map{{"d", "<dir>"}, {"d/new", "new"}})) << name;
  }
}

TEST_F(LayerStackTest, XattrWhiteoutsAreNotListedInAMarkedDirectory) {
  File("a/d/x", "");
  File("a/d/empty", "");
  Mark("a/d/x", "user.overlay.whiteout", "y");
  Mark("a/d", "user.overlay.opaque", "x");
  File("b/d/x", "gone");
  File("b/d/y", "y");
  EXPECT_EQ(Tree(*Stack({"a", "b"})), (Map{{"d", "<dir>"}, {"d/empty", ""}, {"d/y", "y"}}));
}

// As with the kernel's overlayfs, whose listing takes it for a file.
TEST_F(LayerStackTest, AnXattrWhiteoutIsNotFoundInAnyDirectory) {
  File("a/e/x", "");
  Mark("a/e/x", "user.overlay.whiteout", "y");
  File("b/e/x", "gone");
  const auto stack = Stack({"a", "b"});
  const auto dir = stack->Lookup(stack->Root().ref, "e", 0);
  ASSERT_TRUE(dir && *dir);
  const auto found = stack->Lookup((*dir)->ref, "x", 0);
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->has_value());
}

TEST_F(LayerStackTest, RedirectedDirectoryTakesItsLowerPartFromThere) {
  Dir("a/new");
  File("a/new/added", "added");
  Mark("a/new", "user.overlay.redirect", "/deep/old");
  File("a/deep/.wh.old", "");
  File("b/deep/old/x", "x");
  File("c/deep/old/y", "y");
  File("b/new/hidden", "must not show");
  EXPECT_EQ(Tree(*Stack({"a", "b", "c"})), (Map{{"deep", "<dir>"},
                                                {"new", "<dir>"},
                                                {"new/added", "added"},
                                                {"new/x", "x"},
                                                {"new/y", "y"}}));
}

TEST_F(LayerStackTest, MetacopyTakesContentsFromBelow) {
  File("a/f", "");
  fs::resize_file(base_ / "a/f", 5);
  Mark("a/f", "user.overlay.metacopy", "");
  File("b/f", "hello");
  File("a/moved", "");
  fs::resize_file(base_ / "a/moved", 5);
  Mark("a/moved", "user.overlay.metacopy", "");
  Mark("a/moved", "user.overlay.redirect", "/g");
  File("b/g", "world");
  EXPECT_EQ(Tree(*Stack({"a", "b"})), (Map{{"f", "hello"}, {"g", "world"}, {"moved", "world"}}));
}

TEST_F(LayerStackTest, FileAboveDirectoryAndDirectoryAboveFile) {
  File("a/x", "file");
  File("b/x/inner", "hidden");
  File("a/y/new", "new");
  File("b/y", "file below");
  File("c/y/old", "must not merge through the file");
  EXPECT_EQ(Tree(*Stack({"a", "b", "c"})), (Map{{"x", "file"}, {"y", "<dir>"}, {"y/new", "new"}}));
}

TEST_F(LayerStackTest, WhiteoutInTheMiddleCutsADirectory) {
  File("a/d/top", "1");
  File("b/.wh.d", "");
  File("c/d/old", "2");
  EXPECT_EQ(Tree(*Stack({"a", "b", "c"})), (Map{{"d", "<dir>"}, {"d/top", "1"}}));
}

TEST_F(LayerStackTest, PathsBeyondPathMax) {
  const std::string part(250, 'n');
  Fd dir(::open(base_.c_str(), O_PATH | O_DIRECTORY));
  ASSERT_TRUE(sys::MakeDir({dir.get(), "a"}, 0755));
  dir = *sys::Open({dir.get(), "a"}, O_PATH | O_DIRECTORY);
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(sys::MakeDir({dir.get(), part.c_str()}, 0755));
    dir = *sys::Open({dir.get(), part.c_str()}, O_PATH | O_DIRECTORY);
  }
  ASSERT_TRUE(sys::Open({dir.get(), "leaf"}, O_CREAT | O_WRONLY, 0644));
  const auto stack = Stack({"a"});
  LayerRef ref = stack->Root().ref;
  for (int i = 0; i < 40; ++i) {
    auto next = stack->Lookup(ref, part, 0);
    ASSERT_TRUE(next.has_value() && next->has_value());
    ref = (*next)->ref;
  }
  const auto leaf = stack->Lookup(ref, "leaf", 0);
  EXPECT_TRUE(leaf.has_value() && leaf->has_value());
}

TEST_F(LayerStackTest, EscapedXattrsAreDataAndMarksAreNot) {
  File("a/f", "x");
  Mark("a/f", "user.overlay.overlay.opaque", "data");
  Mark("a/f", "user.overlay.veneer.origin", "5");
  Mark("a/f", "user.plain", "p");
  const auto stack = Stack({"a"});
  const auto object = stack->Lookup(stack->Root().ref, "f", 0);
  const auto xattrs = stack->ListXattrs((**object).ref);
  ASSERT_TRUE(xattrs.has_value());
  EXPECT_EQ(*xattrs, (XattrList{{"user.overlay.opaque", "data"}, {"user.plain", "p"}}));
}

}  // namespace
}  // namespace veneer
