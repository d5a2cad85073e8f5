// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/image_diff.h"

#include "layerdb/index/index_reader.h"
#include "layerdb/transfer/commit.h"
#include "layerdb/transfer/image_diff_source.h"
#include "layerdb/transfer/layer_diff.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

class ImageDiffTest : public TransferTest {
 protected:
  // "A /path before after" for each change; the sizes where there are any.
  std::vector<std::string> Diff(const std::vector<Digest>& below,
                                const std::vector<Digest>& above) {
    const auto changes = DiffImages(store(), below, above);
    if (!changes) return {"! " + changes.error().message()};
    std::vector<std::string> lines;
    for (const SizedDiffEntry& change : *changes) {
      std::string line =
          std::string(1, static_cast<char>(change.entry.kind)) + " " + change.entry.path;
      if (change.before + change.after > 0) {
        line += " " + std::to_string(change.before) + " " + std::to_string(change.after);
      }
      lines.push_back(std::move(line));
    }
    return lines;
  }
  // The layer of an archive that a script fills the directory "tree" for.
  Digest Layer(const std::string& script) {
    Shell("rm -rf tree && mkdir tree && cd tree && " + script +
          " && cd .. && find tree -exec touch -h -d @1000 {} + && tar -C tree --sort=name -cf "
          "layer.tar .");
    return Import("layer.tar").diff_id;
  }
};

using Lines = std::vector<std::string>;

TEST_F(ImageDiffTest, ListsWhatIsAddedChangedAndDeleted) {
  const Digest base = Layer(
      "mkdir -p etc lib/sub/deep gone/below && echo 1 > etc/hosts && echo same > etc/same &&"
      "echo deep > lib/sub/deep/file && head -c 5000 /dev/zero > gone/below/a && ln gone/below/a "
      "gone/b &&"
      "ln -s x link && echo f > kind && mkdir other && echo 12 > other/file");
  const Digest next = Layer(
      "mkdir -p etc lib/sub/deep && echo 22 > etc/hosts && echo same > etc/same &&"
      "echo deep > lib/sub/deep/file && chmod 700 lib/sub && ln -s y link && mkdir kind &&"
      "echo inside > kind/file && echo now > other && echo n > new && mkdir new.d && touch "
      "new.d/x");
  EXPECT_EQ(Diff({base}, {next}),
            (Lines{"C /etc", "C /etc/hosts 2 3", "D /gone 5000 0", "C /kind 2 0",
                   "A /kind/file 0 7", "C /lib", "C /lib/sub", "C /link", "A /new 0 2", "A /new.d",
                   "A /new.d/x", "C /other 3 4"}));
  EXPECT_EQ(Diff({base}, {base}), Lines{});
}

TEST_F(ImageDiffTest, ChildrenComeBehindTheirDirectoryTheRootFirstOfAll) {
  const Digest base = Layer("mkdir a a-b && touch a/x a-b/y");
  const Digest top =
      Layer("chmod 711 . && mkdir a a-b && echo 1 > a/x && echo 2 > a-b/y && touch a.c");
  EXPECT_EQ(Diff({base}, {base, top}),
            (Lines{"C /", "C /a", "C /a/x 0 2", "C /a-b", "C /a-b/y 0 2", "A /a.c"}));
}

TEST_F(ImageDiffTest, TheTimeOfTheRootCountsUnlessANameInItAccountsForIt) {
  const auto archive = [&](const std::string& time, const std::string& more) {
    return ImportBytes(TarPax(std::to_string(10 + time.size()) + " mtime=" + time + "\n") +
                       TarDir("./") + TarDir("d") + TarFile("d/x", "1") + more + TarEnd())
        .diff_id;
  };
  const Digest base = archive("5", "");
  EXPECT_EQ(Diff({base}, {archive("7", "")}), Lines{"C /"});
  EXPECT_EQ(Diff({base}, {archive("7", TarFile("new", "n"))}), Lines{"A /new 0 1"});
  EXPECT_EQ(Diff({base}, {archive("7", TarFile("d/x", "2"))}),
            (Lines{"C /", "C /d", "C /d/x 1 1"}));
}

TEST_F(ImageDiffTest, WhiteoutsOfALayerAreDeletions) {
  const Digest base = Layer("mkdir d && echo 1 > d/a && echo 2 > d/b");
  const Digest top = Layer("mkdir d && touch d/.wh.a");
  EXPECT_EQ(Diff({base}, {base, top}), (Lines{"C /d", "D /d/a 2 0"}));
  EXPECT_EQ(Diff({base, top}, {base}), (Lines{"C /d", "A /d/a 0 2"}));
}

TEST_F(ImageDiffTest, EqualContentsAreEqualWhereverTheyAreKept) {
  // Beside other small ones in a pack of each layer's own, in an object of its own, and in the
  // index.
  const std::string files =
      "head -c 3000 /dev/zero > small && head -c 100000 /dev/zero > large && echo x > tiny";
  const Digest one = Layer(files + " && seq 1 900 > first");
  const Digest two = Layer(files + " && seq 2 901 > second");
  EXPECT_EQ(Diff({one}, {two}), (Lines{"D /first 3492 0", "A /second 0 3494"}));
}

TEST_F(ImageDiffTest, OwnersTimesAndXattrsCount) {
  const auto archive = [](const std::string& xattr, const std::string& time) {
    return TarPax("25 SCHILY.xattr.user.a=" + xattr + "\n") + TarFile("x", "same") +
           TarPax("12 mtime=" + time + "\n") + TarFile("time", "same") + TarEnd();
  };
  const Digest one = ImportBytes(archive("1", "98")).diff_id;
  const Digest two = ImportBytes(archive("2", "99")).diff_id;
  EXPECT_EQ(Diff({one}, {two}), (Lines{"C /time 4 4", "C /x 4 4"}));
}

TEST_F(ImageDiffTest, DeepTreesAreNoMatter) {
  const Digest base =
      Layer("python3 -c \"import os\nfor i in range(1000):\n os.mkdir('d')\n os.chdir('d')\"");
  const std::vector<std::string> lines = Diff({base}, {Layer("true")});
  EXPECT_EQ(lines, Lines{"D /d"});
  EXPECT_EQ(Diff({Layer("true")}, {base}).size(), 1000u);
}

// A layer of the difference makes the one tree of the other.
class ImageDiffSourceTest : public ImageDiffTest {
 protected:
  Digest LayerOfDiff(const std::vector<Digest>& below, const std::vector<Digest>& above) {
    const auto source = ImageDiffSource::Open(store(), below, above, nullptr);
    EXPECT_TRUE(source) << source.error().message();
    const auto writer = store().Begin();
    const auto layer = CommitEntries(store(), **writer, **source, {});
    EXPECT_TRUE(layer) << layer.error().message();
    return layer->diff_id;
  }
  // What the difference says, which must lead from `below` to `above`.
  std::string Lead(const std::vector<Digest>& below, const std::vector<Digest>& above) {
    const Digest layer = LayerOfDiff(below, above);
    std::vector<Digest> both = below;
    both.push_back(layer);
    const auto left = DiffImages(store(), both, above, DiffLinks::kTell);
    EXPECT_TRUE(left) << left.error().message();
    for (const SizedDiffEntry& one : left.value_or(std::vector<SizedDiffEntry>())) {
      ADD_FAILURE() << one.entry.path << " " << (one.parts.empty() ? "" : one.parts[0]);
    }
    std::string paths;
    for (const auto& [path, what] : Dump(layer)) paths += path.substr(1) + " ";
    return paths;
  }
};

TEST_F(ImageDiffSourceTest, TheLayerHasTheDifferenceAndNoMore) {
  const Digest base = Layer(
      "mkdir -p same/deep d gone kind && echo 1 > same/deep/f && echo 1 > d/changed && "
      "echo 1 > d/same && echo 1 > gone/f && echo 1 > kind/f && echo 1 > file && ln -s a link");
  const Digest next = Layer(
      "mkdir -p same/deep d new file && echo 1 > same/deep/f && echo 22 > d/changed && "
      "echo 1 > d/same && echo 1 > kind && echo 1 > file/in && ln -s b link && "
      "head -c 50000 /dev/urandom > new/large && mkfifo new/fifo");
  EXPECT_EQ(Lead({base}, {next}),
            " d d/changed file file/in gone kind link new new/fifo new/large ");
  EXPECT_EQ(Lead({base}, {base}), " ");
  Lead({next}, {base});
  Lead({}, {base});
  Lead({base}, {});
}

TEST_F(ImageDiffSourceTest, FilesHaveTheSameNames) {
  const std::string a = "echo text > a";
  const Digest one = Layer(a);
  const Digest two = Layer(a + " && ln a b");
  const Digest apart = Layer(a + " && cp a b");
  const Digest three = Layer(a + " && ln a b && ln a c && echo x > other");
  const Digest pairs = Layer(a + " && ln a b && cp a c && ln c d && echo x > other");
  const Digest changed = Layer("echo TEXT > a && echo text > b && ln b c && echo x > other");
  EXPECT_EQ(Lead({one}, {two}), " a b ");
  EXPECT_EQ(Lead({two}, {one}), " b ") << "the other name is as it was";
  EXPECT_EQ(Lead({two}, {apart}), " a b ");
  EXPECT_EQ(Lead({apart}, {two}), " a b ");
  EXPECT_EQ(Lead({three}, {changed}), " a ") << "b and c are one file as before";
  const std::vector<Digest> all = {one, two, apart, three, pairs, changed};
  for (const Digest& below : all) {
    for (const Digest& above : all) Lead({below}, {above});
  }
}

TEST_F(ImageDiffSourceTest, WhatCameAndWentBetweenTakesNoSpace) {
  const Digest base = Layer("echo 1 > keep");
  const Digest came = Layer("head -c 90000 /dev/urandom > large && mkdir tmp && echo x > tmp/x");
  const Digest went = Layer("echo > .wh.large && echo > .wh.tmp && echo 2 > made");
  EXPECT_EQ(Lead({base}, {base, came, went}), " made ");
}

TEST_F(ImageDiffTest, LayersAreComparedEachByItself) {
  const Digest one = Layer(
      "mkdir same d && echo 1 > d/f && echo 1 > d/time && : > .wh.gone && : > .wh.again &&"
      "echo a > a && ln a b && mkdir o && : > o/.wh..wh..opq && echo 1 > kind");
  const Digest other = Layer(
      "mkdir same d && echo 2 > d/f && echo 1 > d/time && : > .wh.gone && echo x > again &&"
      "echo a > a && cp a b && mkdir o kind && : > .wh.new");
  const auto lines = [&](const Digest& below, const Digest& above) {
    const auto changes = DiffLayers(store(), below, above);
    EXPECT_TRUE(changes) << changes.error().message();
    Lines out;
    for (const SizedDiffEntry& change : *changes) {
      std::string line =
          std::string(1, static_cast<char>(change.entry.kind)) + " " + change.entry.path;
      for (const std::string& part : change.parts) line += " " + part;
      out.push_back(std::move(line));
    }
    return out;
  };
  EXPECT_EQ(lines(one, other),
            (Lines{"C /a links", "C /again deletion", "C /b links", "C /d/f contents",
                   "C /kind type", "A /new deletion", "C /o opaque"}));
  EXPECT_EQ(lines(one, one), Lines{});
  EXPECT_EQ(lines(other, one)[5], "D /new deletion");
  EXPECT_FALSE(DiffLayers(store(), one, Digest::OfBytes("none")));
}

}  // namespace
}  // namespace veneer
