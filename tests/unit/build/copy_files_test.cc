// SPDX-License-Identifier: Apache-2.0
#include "tools/build/copy_files.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/unit/build/entry_lines.h"
#include "tests/unit/build/source_fixture.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

// Copies into an empty tree. The numbers in the names of tests are those of statements about
// Docker's builders.
class CopyFilesTest : public SourceFixture {
 protected:
  // Lines of what is put, or the error.
  std::vector<std::string> Copy(CopyRequest request) {
    const auto from = OpenFrom();
    CopyTree into(nullptr, nullptr);
    if (const auto copied = CopyFiles(*from, request, &into); !copied) {
      return {copied.error().message()};
    }
    return LinesOf(into);
  }
  static CopyRequest Request(std::vector<std::string> sources, const std::string& destination) {
    CopyRequest request;
    request.sources = std::move(sources);
    request.destination = destination;
    return request;
  }
};

TEST_F(CopyFilesTest, AFileGoesToItsNameOrIntoADirectory) {
  Write(From("f"), "text", 0640);
  EXPECT_THAT(Copy(Request({"f"}, "/new")), ElementsAre("/ 755 0:0", "/new 640 0:0 text"));
  EXPECT_THAT(Copy(Request({"/f"}, "/new/")),
              ElementsAre("/ 755 0:0", "/new 755 0:0", "/new/f 640 0:0 text"));
  EXPECT_THAT(Copy(Request({"f/"}, "/n")), ElementsAre("/ 755 0:0", "/n 640 0:0 text"));
}

TEST_F(CopyFilesTest, SeveralSourcesNeedADirectory) {
  Write(From("f"), "f");
  Write(From("g"), "g");
  EXPECT_THAT(Copy(Request({"f", "g"}, "/new")),
              ElementsAre(HasSubstr("need a directory as the destination: write \"/new/\"")));
  EXPECT_THAT(Copy(Request({"f", "g"}, "/new/")),
              ElementsAre("/ 755 0:0", "/new 755 0:0", "/new/f 644 0:0 f", "/new/g 644 0:0 g"));
}

TEST_F(CopyFilesTest, TheContentsOfADirectoryAreCopiedAndNotItsMode) {
  fs::create_directories(From("d/sub"));
  ::chmod(From("d").c_str(), 0700);
  ::chmod(From("d/sub").c_str(), 0711);
  Write(From("d/sub/f"), "x", 04755);
  EXPECT_THAT(
      Copy(Request({"d"}, "/new")),
      ElementsAre("/ 755 0:0", "/new 755 0:0", "/new/sub 711 0:0", "/new/sub/f 4755 0:0 x"));
}

TEST_F(CopyFilesTest, OwnerAndModeGoToFilesAndSubdirectoriesAlike) {
  fs::create_directories(From("d/sub"));
  Write(From("d/f"), "x");
  CopyRequest request = Request({"d"}, "/q/new");
  request.owner = {5, 6};
  request.chmod = ChmodChange::Parse("640").value();
  EXPECT_THAT(Copy(request), ElementsAre("/ 755 0:0", "/q 755 5:6", "/q/new 755 5:6",
                                         "/q/new/f 640 5:6 x", "/q/new/sub 640 5:6"));
}

TEST_F(CopyFilesTest, WildcardsMatchByComponentInTheOrderOfNames) {
  fs::create_directories(From("a/x"));
  fs::create_directories(From("b/x"));
  Write(From("a/x/one.c"), "1");
  Write(From("b/x/two.c"), "2");
  Write(From("b/x/two.h"), "h");
  EXPECT_THAT(Copy(Request({"*/x/*.c"}, "/o")),
              ElementsAre("/ 755 0:0", "/o 755 0:0", "/o/one.c 644 0:0 1", "/o/two.c 644 0:0 2"));
  EXPECT_THAT(Copy(Request({"*.c"}, "/o/")), ElementsAre());
}

TEST_F(CopyFilesTest, ASourceThatIsMissingIsAnErrorThatNamesIt) {
  EXPECT_THAT(Copy(Request({"no"}, "/o")), ElementsAre("\"no\" is not there"));
}

TEST_F(CopyFilesTest, ASymlinkIsFollowedWhereItIsTheSourceAndCopiedInATree) {
  fs::create_directories(From("d"));
  Write(From("real"), "text");
  fs::create_symlink("real", From("link"));
  fs::create_symlink("../real", From("d/inner"));
  EXPECT_THAT(Copy(Request({"link"}, "/o/")),
              ElementsAre("/ 755 0:0", "/o 755 0:0", "/o/link 644 0:0 text"));
  EXPECT_THAT(Copy(Request({"d"}, "/o")),
              ElementsAre("/ 755 0:0", "/o 755 0:0", "/o/inner 777 0:0 -> ../real"));
}

TEST_F(CopyFilesTest, ASourceDoesNotLeaveTheContextThroughASymlink) {
  Write(dir_ + "/secret", "secret");
  fs::create_symlink("../secret", From("out"));
  fs::create_symlink(dir_, From("absolute"));
  EXPECT_THAT(Copy(Request({"out"}, "/o")), ElementsAre("\"out\" is not there"));
  EXPECT_THAT(Copy(Request({"absolute/secret"}, "/o")),
              ElementsAre("\"absolute/secret\" is not there"));
  EXPECT_THAT(Copy(Request({"../secret"}, "/o")), ElementsAre("\"../secret\" is not there"));
}

TEST_F(CopyFilesTest, WhatIsIgnoredIsNotCopiedAndExceptionsBringTheirDirectories) {
  fs::create_directories(From("keep/deep"));
  fs::create_directories(From("gone/deep"));
  ::chmod(From("keep").c_str(), 0711);
  Write(From("keep/deep/yes"), "y");
  Write(From("keep/deep/no"), "n");
  Write(From("gone/deep/no"), "n");
  const IgnoreFile ignored = IgnoreFile::Parse("*\n!**/yes\n").value();
  CopyRequest request = Request({"."}, "/");
  request.ignored = &ignored;
  EXPECT_THAT(Copy(request), ElementsAre("/ 755 0:0", "/keep 711 0:0", "/keep/deep 755 0:0",
                                         "/keep/deep/yes 644 0:0 y"));
  request.sources = {"gone/deep/no"};
  EXPECT_THAT(Copy(request), ElementsAre("\"gone/deep/no\" is kept out by .dockerignore"));
}

TEST_F(CopyFilesTest, ExcludedPathsAreThoseBehindEachSource) {
  fs::create_directories(From("d/sub"));
  Write(From("d/a.o"), "o");
  Write(From("d/sub/b.o"), "o");
  Write(From("d/sub/c.c"), "c");
  CopyRequest request = Request({"d"}, "/o");
  request.exclude = IgnoreFile::FromPatterns({"**/*.o"}).value();
  EXPECT_THAT(Copy(request),
              ElementsAre("/ 755 0:0", "/o 755 0:0", "/o/sub 755 0:0", "/o/sub/c.c 644 0:0 c"));
}

TEST_F(CopyFilesTest, ParentsOfASourceAreMadeBehindThePivot) {
  fs::create_directories(From("a/b/c"));
  Write(From("a/b/c/f"), "x");
  CopyRequest request = Request({"a/b/c/f"}, "/o/");
  request.parents = true;
  EXPECT_THAT(Copy(request),
              ElementsAre("/ 755 0:0", "/o 755 0:0", "/o/a 755 0:0", "/o/a/b 755 0:0",
                          "/o/a/b/c 755 0:0", "/o/a/b/c/f 644 0:0 x"));
  request.sources = {"a/./b/c"};
  EXPECT_THAT(Copy(request), ElementsAre("/ 755 0:0", "/o 755 0:0", "/o/b 755 0:0",
                                         "/o/b/c 755 0:0", "/o/b/c/f 644 0:0 x"));
}

TEST_F(CopyFilesTest, HardLinksStayWithinATreeAndNotBetweenSources) {
  fs::create_directories(From("d"));
  Write(From("d/one"), "x");
  fs::create_hard_link(From("d/one"), From("d/two"));
  const auto from = OpenFrom();
  const auto keys = [&](std::vector<std::string> sources) {
    CopyTree into(nullptr, nullptr);
    EXPECT_TRUE(CopyFiles(*from, Request(std::move(sources), "/t/"), &into));
    Recorder recorder;
    EXPECT_TRUE(into.Run(recorder));
    return recorder.keys;
  };
  EXPECT_EQ(keys({"d"}).size(), 1U);
  EXPECT_EQ(keys({"d/one", "d/two"}).size(), 2U);
}

TEST_F(CopyFilesTest, ASymlinkToNothingThatAPatternMatchesIsAnError) {
  fs::create_symlink("gone", From("link"));
  EXPECT_THAT(Copy(Request({"l*"}, "/o/")), ElementsAre(HasSubstr("is a symlink to nothing")));
}

TEST_F(CopyFilesTest, ASocketIsRefusedByName) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, From("s").c_str(), sizeof(address.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<struct sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);
  EXPECT_THAT(Copy(Request({"."}, "/")), ElementsAre(HasSubstr("s\" is a socket")));
}

}  // namespace
}  // namespace veneer
