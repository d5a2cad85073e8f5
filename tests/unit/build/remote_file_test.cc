// SPDX-License-Identifier: Apache-2.0
//
// Files of web servers: ADD of one, and one that is a build's context.
#include "tools/build/remote_file.h"

#include <gmock/gmock.h>

#include "layerdb/base/hash.h"
#include "tests/unit/build/entry_lines.h"
#include "tests/unit/build/source_fixture.h"
#include "tests/unit/build/web_server.h"
#include "tools/build/build_context.h"
#include "tools/build/copy_files.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(RemoteFileName, IsTheLastComponentOfThePath) {
  EXPECT_EQ(RemoteFileName("http://h/a/b.tar.gz?x=1/2#z", {}), "b.tar.gz");
  EXPECT_EQ(RemoteFileName("http://h/a%20b", {}), "a b");
  EXPECT_EQ(RemoteFileName("http://h/a%2Fb", "attachment; filename=c"), "b");
  for (const char* url : {"http://h", "http://h/", "http://h/d/", "http://h/..", "http://h/a%00b",
                          "http://h/?x=/y", "http://h/%zz"}) {
    EXPECT_EQ(RemoteFileName(url, {}), std::nullopt) << url;
  }
}

TEST(RemoteFileName, IsElseThatOfContentDisposition) {
  const auto name = [](std::string_view text) { return RemoteFileName("http://h/", text); };
  EXPECT_EQ(name("attachment; filename=a.txt"), "a.txt");
  EXPECT_EQ(name("attachment; size=3 ; FileName = \"a \\\"b\\\"; c\" ; x=y"), "a \"b\"; c");
  EXPECT_EQ(name("attachment; filename=\"../../etc/passwd\""), "passwd");
  EXPECT_EQ(name("attachment; filename=a; filename*=UTF-8''b%20c"), "b c");
  EXPECT_EQ(name("attachment; filename=a; filename*=UTF-8''%zz"), "a");
  for (const char* text : {"", "attachment", "attachment; filename", "attachment; filename=",
                           "attachment; filename=\"..\"", "attachment; filename=a/",
                           "attachment; filename=\"", "attachment; filename*=''"}) {
    EXPECT_EQ(name(text), std::nullopt) << text;
  }
}

class RemoteFileTest : public SourceFixture {
 protected:
  Result<RemoteFile> Fetch(const std::string& path, const std::optional<std::string>& checksum = {},
                           bool needs_name = false) {
    RemoteFileRequest request;
    request.url = server_.url() + path;
    request.directory = dir_;
    request.checksum = checksum;
    request.needs_name = needs_name;
    return FetchRemoteFile(request);
  }
  // What is left in the directory of downloads.
  size_t Leftovers() const {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(dir_)) {
      if (entry.path().filename().string().starts_with("tmp")) ++count;
    }
    return count;
  }

  WebServer server_{{
      {"/a/file", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\ntext"},
      {"/a[1]*", "A: b\r\n\r\nwild"},
      {"/d/", "Content-Disposition: attachment; filename=\"named\"A: b\r\n\r\ntext"},
      {"/", "A: b\r\n\r\ntext"},
      {"/cut", "Content-Length: 100\r\n\r\ntext"},
      {"/away", "302 Found\r\nLocation: /a/file"},
      {"/Dockerfile", "A: b\r\n\r\nFROM scratch\n"},
  }};
};

TEST_F(RemoteFileTest, HasTheModeAndTheTimeThatItHasInTheImage) {
  const Result<RemoteFile> file = Fetch("/a/file");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->name, "file");
  EXPECT_EQ(file->size, 4U);
  EXPECT_EQ(file->digest, Digest::OfBytes("text"));
  const auto tree = Open(file->directory.path());
  const auto found = LocateIn(tree->layer(), "file", LastLink::kKeep);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->object.attr.mode, 0600U);
  EXPECT_EQ((*found)->object.attr.mtime, (Timestamp{784'111'777, 0}));
}

TEST_F(RemoteFileTest, IsCopiedByAPatternWhateverItsNameIs) {
  const Result<RemoteFile> file = Fetch("/a[1]*");
  ASSERT_TRUE(file) << file.error().message();
  const auto tree = Open(file->directory.path());
  CopyTree into(nullptr, nullptr);
  CopyRequest request;
  request.sources = {"*"};
  request.destination = "/d/";
  ASSERT_TRUE(CopyFiles(*tree, request, &into));
  EXPECT_THAT(LinesOf(into),
              testing::ElementsAre("/ 755 0:0", "/d 755 0:0", "/d/a[1]* 600 0:0 wild"));
}

TEST_F(RemoteFileTest, ARedirectionKeepsTheNameThatWasAskedFor) {
  const Result<RemoteFile> file = Fetch("/away");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->name, "away");
  EXPECT_EQ(file->digest, Digest::OfBytes("text"));
}

TEST_F(RemoteFileTest, AFileWithoutANameNeedsOneInTheDestination) {
  EXPECT_EQ(Fetch("/d/", {}, true)->name, "named");
  EXPECT_EQ(Fetch("/")->name, "download");
  const Result<RemoteFile> file = Fetch("/", {}, true);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message(), HasSubstr("cannot determine filename for URL http://127."));
}

TEST_F(RemoteFileTest, AnotherChecksumIsAnError) {
  const std::string right = "sha256:" + Sha256Hex("text");
  const std::string wrong = "sha256:" + Sha256Hex("other");
  EXPECT_TRUE(Fetch("/a/file", right));
  const Result<RemoteFile> file = Fetch("/a/file", wrong);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message(), HasSubstr(right + " and not " + wrong));
  EXPECT_THAT(Fetch("/a/file", "md5:12").error().message(), HasSubstr("\"md5:12\" is not"));
}

TEST_F(RemoteFileTest, WhatDoesNotComeWholeIsAnErrorAndLeavesNothing) {
  EXPECT_THAT(Fetch("/none").error().message(),
              HasSubstr("/none: the server answers with status 404"));
  EXPECT_FALSE(Fetch("/cut"));
  EXPECT_EQ(Leftovers(), 0U);
  const auto file = Fetch("/a/file");
  EXPECT_EQ(Leftovers(), 1U);
}

TEST_F(RemoteFileTest, ATextIsTheDockerfileOfABuildWithoutAContext) {
  const auto store = *Store::Open(dir_ + "/store");
  const auto writer = *store->Begin();
  ContextRequest request;
  request.context = server_.url() + "/Dockerfile";
  const auto context = BuildContext::Open(*store, *writer, request);
  ASSERT_TRUE(context) << context.error().message();
  EXPECT_EQ((*context)->text(), "FROM scratch\n");
  EXPECT_FALSE((*context)->has_files());
  request.context = server_.url() + "/none";
  const auto none = BuildContext::Open(*store, *writer, request);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("status 404"));
  request.context = server_.url() + "/cut";
  EXPECT_FALSE(BuildContext::Open(*store, *writer, request));
}

TEST_F(RemoteFileTest, AnArchiveIsTheContext) {
  Write(From("Dockerfile"), "FROM a\n");
  Write(From(".dockerignore"), "x\n");
  ASSERT_EQ(std::system(("tar -C " + dir_ + "/from -czf " + dir_ + "/a.tar.gz .").c_str()), 0);
  std::ifstream in(dir_ + "/a.tar.gz", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const WebServer server({{"/archive", "A: b\r\n\r\n" + bytes},
                          {"/half", "A: b\r\n\r\n" + bytes.substr(0, bytes.size() / 2)}});
  const auto store = *Store::Open(dir_ + "/store");
  const auto writer = *store->Begin();
  ContextRequest request;
  request.context = server.url() + "/archive";
  const auto context = BuildContext::Open(*store, *writer, request);
  ASSERT_TRUE(context) << context.error().message();
  EXPECT_EQ((*context)->text(), "FROM a\n");
  EXPECT_TRUE((*context)->ignored().Ignores("x"));
  request.context = server.url() + "/half";
  EXPECT_FALSE(BuildContext::Open(*store, *writer, request));
}

}  // namespace
}  // namespace veneer
