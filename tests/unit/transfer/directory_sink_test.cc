// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/directory_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "layerdb/transfer/directory_source.h"
#include "layerdb/transfer/layer_source.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class DirectorySinkTest : public TransferTest {
 protected:
  DirectorySinkTest() {
    fs::create_directories(Path("from"));
    fs::create_directories(Path("to"));
  }

  Fd OpenTo() const { return Fd(::open(Path("to").c_str(), O_RDONLY | O_DIRECTORY)); }

  // Copies the directory "from" into the directory "to".
  DirectorySinkLosses Copy(const DirectorySinkOptions& options = {}) {
    const Fd from(::open(Path("from").c_str(), O_RDONLY | O_DIRECTORY));
    const Fd to = OpenTo();
    DirectorySource source(from.get(), std::nullopt);
    DirectorySink sink(to.get(), options);
    const Result<void> done = source.Run(sink);
    EXPECT_TRUE(done) << done.error().message();
    const Result<DirectorySinkLosses> losses = sink.Finish();
    EXPECT_TRUE(losses) << losses.error().message();
    return losses.value_or(DirectorySinkLosses{});
  }

  // A line for each object below a directory: all that is copied of it.
  std::string List(const std::string& directory) {
    return Shell("cd " + directory +
                 " && find . -mindepth 1 -printf '%P %y %m %U:%G %T@ %l\\n' | sort && "
                 "find . -type f -exec sha256sum {} + | sort -k2 && "
                 "getfattr -R -h -d -m - . 2>/dev/null || true");
  }

  // Adds one regular file of these bytes.
  static Result<void> AddFile(DirectorySink* sink, const std::string& path,
                              const std::string& bytes) {
    SourceEntry entry{path, {}, {}};
    entry.attr.mode = 0644;
    entry.attr.uid = ::geteuid();
    entry.attr.gid = ::getegid();
    entry.attr.size = bytes.size();
    return sink->Add(entry, [&]() -> Result<std::optional<SourceContent>> {
      SourceContent content;
      content.content.bytes = bytes;
      return content;
    });
  }
};

TEST_F(DirectorySinkTest, ATreeIsCopiedWithAllThatItHas) {
  Shell(
      "cd from && mkdir -p a/b/c 'a b' && echo text > a/file && head -c 300000 /dev/urandom > "
      "a/b/large && : > empty && ln a/file a/b/same && ln -s /nowhere link && ln -s a dirlink && "
      "mkfifo fifo && chmod 4755 a/b/large && chmod 2750 a/b && chmod 000 empty && "
      "setfattr -n user.note -v value a/file && setfattr -n user.dir -v value a && "
      "truncate -s 10M sparse && find . -exec touch -h -d @1000.5 {} + && chmod 555 a/b/c");
  Copy();
  EXPECT_EQ(List("to"), List("from"));
  EXPECT_EQ(Shell("stat -c %i to/a/file"), Shell("stat -c %i to/a/b/same"));
  EXPECT_LT(std::atoi(Shell("stat -c %b to/sparse").c_str()), 100);
}

TEST_F(DirectorySinkTest, WhatIsThereIsOverwrittenAndTheRestStays) {
  Shell(
      "cd from && mkdir dir file && echo new > plain && echo new > dir/f && echo in > file/in && "
      "echo was > folder && ln plain again");
  Shell(
      "cd to && echo old > plain && echo mine > mine && mkdir dir && echo kept > dir/kept && "
      "echo old > file && mkdir -p folder/deep && echo x > folder/deep/x && ln plain old");
  Copy();
  Copy();
  EXPECT_EQ(Shell("cd to && cat plain again dir/f dir/kept file/in folder mine old"),
            "new\nnew\nnew\nkept\nin\nwas\nmine\nold\n");
  EXPECT_EQ(Shell("ls -A to"), "again\ndir\nfile\nfolder\nmine\nold\nplain\n");
  EXPECT_EQ(Shell("stat -c %h to/plain"), "2\n");
}

TEST_F(DirectorySinkTest, NoSymlinkIsFollowed) {
  Shell("mkdir outside && echo safe > outside/file && echo safe > secret && chmod 700 outside");
  Shell("cd from && mkdir dir && echo new > dir/file && echo new > plain && echo new > loop");
  Shell("cd to && ln -s ../outside dir && ln -s ../secret plain && ln -s loop loop");
  Copy();
  EXPECT_EQ(Shell("cat outside/file secret to/dir/file to/plain to/loop"),
            "safe\nsafe\nnew\nnew\nnew\n");
  EXPECT_EQ(Shell("ls outside; stat -c %a outside; find to -type l"), "file\n700\n");
}

TEST_F(DirectorySinkTest, ATreeWhoseSymlinkIsADirectoryLaterStaysInside) {
  Shell("mkdir outside");
  const Fd to = OpenTo();
  DirectorySink sink(to.get(), {});
  SourceEntry link{"x", {}, {}};
  link.attr.type = FileType::kSymlink;
  link.target = Path("outside");
  ASSERT_TRUE(sink.Add(link, [] { return std::nullopt; }));
  ASSERT_TRUE(AddFile(&sink, "x/file", "inside"));
  ASSERT_TRUE(sink.Finish());
  EXPECT_EQ(Shell("ls outside; cat to/x/file"), "inside");
}

TEST_F(DirectorySinkTest, NamesThatAreNoneAreRefused) {
  const Fd to = OpenTo();
  DirectorySink sink(to.get(), {});
  for (const std::string path :
       {"../out", "..", ".", "a/../../out", "/abs", "a//b", "a/", "/", "a/./b"}) {
    EXPECT_FALSE(AddFile(&sink, path, "x")) << path;
  }
  EXPECT_FALSE(AddFile(&sink, std::string("a\0b", 3), "x"));
  EXPECT_FALSE(AddFile(&sink, std::string(256, 'n'), "x"));
  EXPECT_FALSE(fs::exists(Path("out")));
  EXPECT_FALSE(fs::exists(Path("abs")));
}

TEST_F(DirectorySinkTest, AVeryDeepTreeIsMade) {
  Shell("cd from && for i in $(seq 300); do mkdir d; cd d; done && echo deep > file");
  Copy();
  std::string path = "to";
  for (int i = 0; i < 300; ++i) path += "/d";
  EXPECT_EQ(Read(path + "/file"), "deep\n");
  EXPECT_EQ(Shell("cd to && find . -printf '%P %m\\n' | sha256sum"),
            Shell("cd from && find . -printf '%P %m\\n' | sha256sum"));
}

TEST_F(DirectorySinkTest, WithoutOwnersAllIsTheCallers) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  Shell("cd from && echo x > f && chown 1234:1234 f && chmod 6755 f");
  Copy({.owners = false});
  EXPECT_EQ(Shell("stat -c '%u %g %a' to/f"), "0 0 755\n");
}

TEST_F(DirectorySinkTest, TheDirectoryKeepsItsAttributesUnlessTheRootsAreAskedFor) {
  Shell("chmod 711 to && chmod 751 from && touch -d @1000 from");
  Copy();
  EXPECT_EQ(Shell("stat -c '%a' to"), "711\n");
  Copy({.root = true});
  EXPECT_EQ(Shell("stat -c '%a %Y' to"), "751 1000\n");
}

TEST_F(DirectorySinkTest, WhiteoutsAndOpaqueDirectoriesRemove) {
  Shell("cd to && mkdir -p gone/deep opaque && echo x > gone/deep/f && echo x > opaque/old");
  const Digest layer =
      ImportBytes(TarFile(".wh.gone", "") + TarDir("opaque/") + TarFile("opaque/.wh..wh..opq", "") +
                  TarFile("opaque/new", "n") + TarEnd())
          .diff_id;
  const auto index =
      IndexedLayer::Open(store().layout().layer_index(layer), store().layout().objects());
  ASSERT_TRUE(index) << index.error().message();
  LayerSource source(**index, store().objects(), nullptr);
  const Fd to = OpenTo();
  DirectorySink sink(to.get(), {});
  const Result<void> done = source.Run(sink);
  ASSERT_TRUE(done) << done.error().message();
  ASSERT_TRUE(sink.Finish());
  EXPECT_EQ(Shell("cd to && find . | sort"), ".\n./opaque\n./opaque/new\n");
}

TEST_F(DirectorySinkTest, AFailureLeavesNoPartOfAFile) {
  const Fd to = OpenTo();
  DirectorySink sink(to.get(), {});
  SourceEntry entry{"f", {}, {}};
  entry.attr.size = 5;
  const auto done = sink.Add(entry, []() -> Result<std::optional<SourceContent>> {
    SourceContent content;
    content.content.bytes = "abc";
    return content;
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(Shell("ls -A to"), "");
}

TEST_F(DirectorySinkTest, ContentsThatAreDamagedAreAnError) {
  const Digest layer = ImportBytes(TarFile("large", std::string(100'000, 'x')) + TarEnd()).diff_id;
  Shell(
      "for f in store/objects/*/*; do chmod u+w $f; printf y | dd of=$f conv=notrunc status=none; "
      "done");
  const auto index =
      IndexedLayer::Open(store().layout().layer_index(layer), store().layout().objects());
  ASSERT_TRUE(index);
  LayerSource source(**index, store().objects(), nullptr);
  const Fd to = OpenTo();
  DirectorySink sink(to.get(), {});
  const Result<void> done = source.Run(sink);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message().find("has other contents"), std::string::npos)
      << done.error().message();
  EXPECT_EQ(Shell("ls -A to"), "");
}

}  // namespace
}  // namespace veneer
