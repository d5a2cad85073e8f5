// SPDX-License-Identifier: Apache-2.0
//
// Archives that ADD unpacks: which files are archives, and what becomes of their entries.
#include "tools/build/archive_tree.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/sysmacros.h>

#include <cstdlib>

#include "layerdb/base/sys.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/commit.h"
#include "tests/unit/build/entry_lines.h"
#include "tests/unit/build/source_fixture.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// A tar archive, entry by entry.
class TestArchive {
 public:
  TestArchive& Directory(const std::string& path, uint32_t mode = 0755, uint32_t uid = 0) {
    return Add(path, FileType::kDirectory, mode, uid, "", "");
  }
  TestArchive& File(const std::string& path, const std::string& text, uint32_t uid = 0) {
    return Add(path, FileType::kRegular, 0644, uid, text, "");
  }
  TestArchive& Symlink(const std::string& path, const std::string& target) {
    return Add(path, FileType::kSymlink, 0777, 0, "", target);
  }
  TestArchive& HardLink(const std::string& path, const std::string& target) {
    hard_link_ = true;
    return Add(path, FileType::kRegular, 0644, 0, "", target);
  }
  TestArchive& Special(const std::string& path, FileType type) {
    return Add(path, type, 0600, 0, "", "");
  }
  std::string Bytes() const { return bytes_ + TarEndMark(); }
  const std::string& WithoutEnd() const { return bytes_; }

 private:
  TestArchive& Add(const std::string& path, FileType type, uint32_t mode, uint32_t uid,
                   const std::string& text, const std::string& link) {
    TarOutput entry;
    entry.path = path;
    entry.attr.type = type;
    entry.attr.mode = mode;
    entry.attr.uid = entry.attr.gid = uid;
    entry.attr.size = text.size();
    entry.attr.rdev_major = type == FileType::kCharDevice ? 1 : 0;
    entry.attr.rdev_minor = type == FileType::kCharDevice ? 3 : 0;
    entry.attr.mtime.sec = 1'000'000'000;
    entry.link = link;
    entry.hard_link = std::exchange(hard_link_, false);
    bytes_ += EncodeTarEntry(entry) + text + std::string(TarPadding(text.size()), '\0');
    return *this;
  }

  std::string bytes_;
  bool hard_link_ = false;
};

class ArchiveTreeTest : public SourceFixture {
 protected:
  static void Run(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  // Whether the file is an archive; that its offset stays is looked at, too.
  static bool IsOne(const std::string& path) {
    const Sys<Fd> fd = sys::OpenFollowing(path, O_RDONLY);
    EXPECT_TRUE(fd) << path;
    EXPECT_EQ(::lseek(fd->get(), 3, SEEK_SET), 3);
    const Result<bool> answer = IsArchive(fd->get(), nullptr);
    EXPECT_TRUE(answer) << path << answer.error().message();
    EXPECT_EQ(::lseek(fd->get(), 0, SEEK_CUR), 3);
    return answer && *answer;
  }
  Result<std::unique_ptr<SourceTree>> Read(const std::string& bytes) {
    Write(From("a.tar"), bytes);
    const Sys<Fd> fd = sys::OpenFollowing(From("a.tar"), O_RDONLY);
    EXPECT_TRUE(fd);
    return ReadArchive(*store_, *writer_, fd->get(), "a.tar", nullptr);
  }
  // What the layer of an ADD to `destination` holds, over the tree of `below`.
  std::vector<std::string> Unpack(const TestArchive& archive, const std::string& destination,
                                  const NewDirectory& made = {}) {
    archive_ = *Read(archive.Bytes());
    below_ = OpenBelow();
    CopyTree into(below_.get(), nullptr);
    const Result<void> done = UnpackInto(*archive_, destination, made, &into, nullptr);
    if (!done) return {done.error().message()};
    Recorder recorder;
    EXPECT_TRUE(into.Run(recorder));
    keys_ = recorder.keys;
    // The root is that of `below`, whose owner is whoever runs the test.
    EXPECT_EQ(recorder.lines.at(0).substr(0, 2), "/ ");
    recorder.lines.erase(recorder.lines.begin());
    return recorder.lines;
  }

  std::unique_ptr<Store> store_ = *Store::Open(dir_ + "/store");
  std::unique_ptr<StoreWriter> writer_ = *store_->Begin();
  std::unique_ptr<SourceTree> archive_;
  std::unique_ptr<SourceTree> below_;
  std::set<TarLinkKey> keys_;
};

TEST_F(ArchiveTreeTest, AnArchiveIsToldByItsContents) {
  Write(From("plain"), TestArchive().File("f", "text").Bytes());
  Write(From("open"), TestArchive().File("f", "text").WithoutEnd());
  Write(From("text"), std::string(5000, 'x'));
  Write(From("x.tar"), "text");
  EXPECT_TRUE(IsOne(From("plain")));
  EXPECT_TRUE(IsOne(From("open")));
  EXPECT_FALSE(IsOne(From("text")));
  EXPECT_FALSE(IsOne(From("x.tar")));
  for (const std::string program : {"gzip", "bzip2", "xz", "zstd"}) {
    Run(program + " -c " + From("plain") + " > " + From("packed"));
    EXPECT_TRUE(IsOne(From("packed"))) << program;
    Run(program + " -c " + From("text") + " > " + From("packed"));
    EXPECT_FALSE(IsOne(From("packed"))) << program;
  }
}

TEST_F(ArchiveTreeTest, WhatDockerCopiesAsAFileIsNoArchive) {
  Write(From("plain"), TestArchive().File("f", "text").Bytes());
  Run("xz --format=lzma -c " + From("plain") + " > " + From("lzma"));
  EXPECT_FALSE(IsOne(From("lzma")));
  Write(From("zip"), "PK\x03\x04" + std::string(1000, 'z'));
  EXPECT_FALSE(IsOne(From("zip")));
  Write(From("empty"), "");
  EXPECT_FALSE(IsOne(From("empty")));
  Write(From("zeros"), std::string(10 << 10, '\0'));
  EXPECT_FALSE(IsOne(From("zeros")));
  Run("gzip -c " + From("zeros") + " > " + From("zeros.gz"));
  EXPECT_FALSE(IsOne(From("zeros.gz")));
}

TEST_F(ArchiveTreeTest, AnArchiveThatEndsBeforeItsFirstEntryIsAFile) {
  // The name of 300 bytes stands in a header of its own, before that of the file.
  Write(From("plain"), TestArchive().File(std::string(200, 'd') + "/f", "text").Bytes());
  Run("head -c 1000 " + From("plain") + " > " + From("cut"));
  EXPECT_FALSE(IsOne(From("cut")));
  Run("gzip -c " + From("plain") + " | head -c 30 > " + From("cut"));
  EXPECT_FALSE(IsOne(From("cut")));
}

TEST_F(ArchiveTreeTest, OneThatIsCutLaterIsAnError) {
  const std::string bytes = TestArchive().File("f", std::string(2000, 'x')).Bytes();
  Write(From("cut"), bytes.substr(0, 1500));
  EXPECT_TRUE(IsOne(From("cut")));
  const auto read = Read(bytes.substr(0, 1500));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message(), testing::StartsWith("a.tar: "));
  EXPECT_TRUE(Read(TestArchive().File("f", "text").WithoutEnd()));
}

TEST_F(ArchiveTreeTest, ContentsOfTheStoreAreReadFromTheirStart) {
  const std::string bytes = TestArchive().File("f", "text").Bytes();
  SourceContent content;
  content.content.bytes = bytes;
  Result<Fd> fd = ReadFromStart(content);
  ASSERT_TRUE(fd) << fd.error().message();
  EXPECT_TRUE(*IsArchive(fd->get(), nullptr));
  EXPECT_TRUE(ReadArchive(*store_, *writer_, fd->get(), "a.tar", nullptr));
  Write(From("file"), bytes);
  content = {};
  content.content.fd = *sys::OpenFollowing(From("file"), O_RDONLY);
  fd = ReadFromStart(content);
  ASSERT_TRUE(fd) << fd.error().message();
  EXPECT_TRUE(ReadArchive(*store_, *writer_, fd->get(), "a.tar", nullptr));
  EXPECT_EQ(::lseek(content.fd(), 0, SEEK_CUR), 0);
}

// E49 of Docker's builders: the file would delete another one.
TEST_F(ArchiveTreeTest, ANameThatIsADeletionIsRefused) {
  const auto whiteout = Read(TestArchive().Directory("etc").File("etc/.wh.x", "").Bytes());
  ASSERT_FALSE(whiteout);
  EXPECT_THAT(whiteout.error().message(), HasSubstr("a.tar: it holds \"etc/.wh.x\""));
  const auto opaque = Read(TestArchive().Directory("d").File("d/.wh..wh..opq", "").Bytes());
  ASSERT_FALSE(opaque);
  EXPECT_THAT(opaque.error().message(), HasSubstr("\"d/.wh..wh..opq\""));
}

TEST_F(ArchiveTreeTest, TheDestinationIsADirectoryWithOrWithoutASlash) {
  const TestArchive archive = TestArchive().File("f", "text", 7);
  const auto expected = ElementsAre("/o 755 0:0", "/o/f 644 7:7 text");
  EXPECT_THAT(Unpack(archive, "/o"), expected);
  EXPECT_THAT(Unpack(archive, "/o/"), expected);
}

// E46: an owner that is given is that of the directories which are made.
TEST_F(ArchiveTreeTest, EntriesKeepTheirOwnersAndModes) {
  const TestArchive archive = TestArchive().Directory("d", 01711, 3).File("d/f", "text", 4);
  EXPECT_THAT(
      Unpack(archive, "/q/o", {5, 6, 0755, {}}),
      ElementsAre("/q 755 5:6", "/q/o 755 5:6", "/q/o/d 1711 3:3", "/q/o/d/f 644 4:4 text"));
}

// E47.
TEST_F(ArchiveTreeTest, TheRootOfAnArchiveLeavesTheDestinationAsItIs) {
  fs::create_directories(Below("o"));
  const auto there = Unpack(TestArchive().Directory("", 0700, 9).File("f", "x"), "/o");
  EXPECT_THAT(there, ElementsAre(HasSubstr("/o 755 "), "/o/f 644 0:0 x"));
  EXPECT_THAT(Unpack(TestArchive().Directory("", 0700, 9), "/new"), ElementsAre("/new 755 0:0"));
}

// E48.
TEST_F(ArchiveTreeTest, NamesStayBelowTheDestinationAndTheLastOneCounts) {
  const TestArchive archive = TestArchive()
                                  .File("/abs", "a")
                                  .File("../../up", "u")
                                  .File("twice", "first")
                                  .Directory("twice")
                                  .File("twice", "last");
  EXPECT_THAT(Unpack(archive, "/o"), ElementsAre("/o 755 0:0", "/o/abs 644 0:0 a",
                                                 "/o/twice 644 0:0 last", "/o/up 644 0:0 u"));
}

TEST_F(ArchiveTreeTest, LinksDevicesAndFifosAreTakenOver) {
  const TestArchive archive = TestArchive()
                                  .File("f", "text")
                                  .HardLink("g", "f")
                                  .Symlink("l", "/etc/passwd")
                                  .Special("null", FileType::kCharDevice)
                                  .Special("pipe", FileType::kFifo);
  EXPECT_THAT(Unpack(archive, "/"),
              ElementsAre("/f 644 0:0 text", "/g 644 0:0 text", "/l 777 0:0 -> /etc/passwd",
                          "/null 600 0:0", "/pipe 600 0:0"));
  EXPECT_EQ(keys_.size(), 1U);
}

TEST_F(ArchiveTreeTest, AnEntryReplacesWhatIsInItsWay) {
  fs::create_directories(Below("dir/sub"));
  Write(Below("file"), "old");
  fs::create_directories(Below("real"));
  fs::create_directory_symlink("real", Below("link"));
  const TestArchive archive =
      TestArchive().File("dir", "new").Directory("file").Directory("link").File("link/x", "x");
  EXPECT_THAT(Unpack(archive, "/"), ElementsAre("/dir 644 0:0 new", "/file 755 0:0",
                                                "/link 755 0:0", "/link/x 644 0:0 x"));
}

TEST_F(ArchiveTreeTest, ADirectoryWithoutAnEntryIsThatOfTheDestination) {
  fs::create_directories(Below("usr/lib"));
  fs::permissions(Below("usr/lib"), fs::perms(0711));
  fs::create_directory_symlink("usr/lib", Below("lib"));
  const auto lines = Unpack(TestArchive().File("lib/x", "x").File("new/y", "y"), "/");
  EXPECT_THAT(lines, ElementsAre("/new 755 0:0", "/new/y 644 0:0 y", HasSubstr("/usr 755 "),
                                 HasSubstr("/usr/lib 711 "), "/usr/lib/x 644 0:0 x"));
  Write(Below("file"), "old");
  EXPECT_THAT(Unpack(TestArchive().File("file/x", "x"), "/"),
              ElementsAre(HasSubstr("\"/file\": it is not a directory")));
}

TEST_F(ArchiveTreeTest, WhatIsUnpackedBecomesALayer) {
  const std::string large(300'000, 'x');
  archive_ = *Read(TestArchive()
                       .File("small", "s")
                       .File("packed", large.substr(0, 5000))
                       .File("large", large)
                       .Bytes());
  CopyTree into(nullptr, nullptr);
  ASSERT_TRUE(UnpackInto(*archive_, "/o", {}, &into, nullptr));
  const auto layer = CommitEntries(*store_, *writer_, into, {});
  ASSERT_TRUE(layer) << layer.error().message();
  archive_.reset();
  writer_.reset();
  const std::vector<Digest> layers = {layer->diff_id};
  const auto tree = *SourceTree::OfIndex(*store_, *store_->EnsureTree(layers));
  const auto found = LocateIn(tree->layer(), "/o/large", LastLink::kKeep);
  ASSERT_TRUE(found && *found);
  const auto content = tree->Open({"o/large", (*found)->object.attr, {}}, (*found)->object.ref);
  ASSERT_TRUE(content) << content.error().message();
  std::string bytes(large.size(), '\0');
  EXPECT_TRUE(sys::ReadAt(content->fd(), bytes.data(), bytes.size(), 0));
  EXPECT_EQ(bytes, large);
}

}  // namespace
}  // namespace veneer
