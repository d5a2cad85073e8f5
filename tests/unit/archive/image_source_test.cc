// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/image_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "layerdb/tar/block.h"
#include "layerdb/tar/writer.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

std::string Member(char type, const std::string& name, const std::string& data = "",
                   const std::string& link = "") {
  TarBlockFields fields;
  fields.type = type;
  fields.name = name;
  fields.link = link;
  fields.size = data.size();
  return EncodeTarBlock(fields) + data + std::string(TarPadding(data.size()), '\0');
}

class ImageSourceTest : public testing::Test {
 protected:
  ImageSourceTest() : dir_(MakeTempDir("source")) {}
  ~ImageSourceTest() override { std::filesystem::remove_all(dir_); }

  // Opens an archive that stands `before` bytes into a file.
  Result<std::unique_ptr<ImageSource>> OpenTar(const std::string& archive, uint64_t before = 0) {
    const std::string path = dir_ + "/archive";
    Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    const std::string bytes = std::string(before, 'x') + archive;
    EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    const int borrowed = fd.get();
    return OpenTarSource(borrowed, std::move(fd), before, bytes.size(), nullptr);
  }

  static std::string Text(ImageSource& source, const std::string& name) {
    Result<std::string> text = source.Read(name);
    return text ? *text : "error: " + text.error().message();
  }

  std::string dir_;
};

TEST_F(ImageSourceTest, FindsMembersWhereTheyAre) {
  const std::string large(200'000, 'l');
  for (const uint64_t before : {0, 700}) {
    const auto source =
        OpenTar(Member('0', "./a/b", "first") + Member('5', "dir/") + Member('0', "large", large) +
                    Member('0', "a-b", "second") + Member('0', "empty") + TarEndMark() + "rest",
                before);
    ASSERT_TRUE(source) << source.error().message();
    EXPECT_EQ(Text(**source, "a/b"), "first");
    EXPECT_EQ(Text(**source, "a//./b"), "first");
    EXPECT_EQ(Text(**source, "large"), large);
    EXPECT_EQ(Text(**source, "a-b"), "second");
    EXPECT_EQ(Text(**source, "empty"), "");
    EXPECT_EQ(Text(**source, "dir"), "error: \"dir\" is missing");
    EXPECT_EQ(*(*source)->TopNames(), (std::vector<std::string>{"a", "a-b", "empty", "large"}));
    const Result<SourceFile> file = (*source)->Open("large");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->size, large.size());
    EXPECT_EQ(HashFile(*file, BlobDigest::Algorithm::kSha256, nullptr),
              BlobDigest(Digest::OfBytes(large)));
  }
}

TEST_F(ImageSourceTest, LinksLeadToMembersOnly) {
  const auto source = OpenTar(
      Member('0', "one/layer.tar", "layer") + Member('2', "two/layer.tar", "", "../one/layer.tar") +
      Member('1', "three", "", "two/layer.tar") + Member('2', "out", "", "../x") +
      Member('2', "deep/out", "", "../../x") + Member('2', "absolute", "", "/etc/passwd") +
      Member('2', "loop", "", "pool") + Member('2', "pool", "", "loop") +
      Member('2', "gone", "", "nothing") + Member('6', "pipe") + TarEndMark());
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(Text(**source, "two/layer.tar"), "layer");
  EXPECT_EQ(Text(**source, "three"), "layer");
  for (const char* name : {"out", "deep/out", "absolute"}) {
    EXPECT_NE(Text(**source, name).find("leaves the archive"), std::string::npos) << name;
  }
  EXPECT_EQ(Text(**source, "loop"), "error: \"loop\" is a link that leads to itself");
  EXPECT_EQ(Text(**source, "gone"), "error: \"gone\" is a link to \"nothing\", which is missing");
  EXPECT_EQ(Text(**source, "pipe"), "error: \"pipe\" is not a regular file");
}

TEST_F(ImageSourceTest, AnArchiveThatCouldBeReadInTwoWaysIsRefused) {
  const std::string a = Member('0', "a", "1");
  EXPECT_TRUE(OpenTar(a + a + TarEndMark()));
  for (const std::string& other : {Member('0', "./a", "2"), Member('0', "a", "12"),
                                   Member('2', "a", "", "b"), Member('6', "a")}) {
    const auto source = OpenTar(a + other + TarEndMark());
    ASSERT_FALSE(source);
    EXPECT_NE(source.error().message().find("is in the archive twice"), std::string::npos);
  }
}

TEST_F(ImageSourceTest, NamesThatLeaveTheArchiveAreRefused) {
  for (const char* name : {"/a", "../a", "a/../b", "..", "", ".", "./"}) {
    EXPECT_FALSE(NormalizeMemberName(name)) << name;
  }
  EXPECT_FALSE(NormalizeMemberName(std::string_view("a\0b", 3)));
  EXPECT_FALSE(NormalizeMemberName(std::string(5000, 'a')));
  EXPECT_EQ(NormalizeMemberName("./a//b/./c..d/"), "a/b/c..d");
  for (const char type : {'0', '2', '5'}) {
    EXPECT_FALSE(OpenTar(Member(type, "../a", "", type == '2' ? "x" : "") + TarEndMark())) << type;
  }
}

TEST_F(ImageSourceTest, ACutOrEmptyArchiveIsRefused) {
  const std::string whole = Member('0', "a", "1") + Member('0', "b", std::string(100'000, 'b'));
  EXPECT_TRUE(OpenTar(whole));  // without an end mark
  EXPECT_FALSE(OpenTar(whole.substr(0, whole.size() - 600)));
  EXPECT_FALSE(OpenTar(whole.substr(0, 1100)));
  EXPECT_FALSE(OpenTar(""));
  EXPECT_FALSE(OpenTar(TarEndMark()));
  EXPECT_FALSE(OpenTar(std::string(2000, 'x')));
}

TEST_F(ImageSourceTest, DocumentsAreBounded) {
  const std::string part(ImageSource::kMaxDocument, 'p');
  const auto source = OpenTar(Member('0', "fits", part) + Member('0', "more", part + "p"));
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_NE(Text(**source, "more").find("has 4194305 bytes"), std::string::npos);
  for (uint64_t read = 0; read < ImageSource::kMaxDocuments; read += part.size()) {
    EXPECT_EQ(Text(**source, "fits").size(), part.size());
  }
  EXPECT_NE(Text(**source, "fits").find("documents are larger"), std::string::npos);
}

TEST_F(ImageSourceTest, MembersAreCalledAsForThoseWhoUnpackThem) {
  const auto source =
      OpenTar(Member('0', "/a", "1") + Member('0', "x/../b", "2") + Member('2', "dir", "", "real") +
              Member('0', "real/c", "3") + Member('2', "real/up", "", "../dir/c") + TarEndMark());
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(Text(**source, "a"), "1");
  EXPECT_EQ(Text(**source, "b"), "2");
  EXPECT_EQ(Text(**source, "dir/c"), "3");
  EXPECT_EQ(Text(**source, "dir/up"), "3");
}

TEST_F(ImageSourceTest, LinksInADirectoryLeadToWhatIsInside) {
  std::filesystem::create_directories(dir_ + "/layout/blobs/sha256");
  const auto write_file = [&](const std::string& path, const std::string& bytes) {
    const Fd fd(open((dir_ + path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  };
  write_file("/secret", "secret");
  write_file("/layout/blobs/sha256/x", "blob");
  std::filesystem::create_symlink("../secret", dir_ + "/layout/link");
  std::filesystem::create_symlink("blobs", dir_ + "/layout/dir");
  std::filesystem::create_symlink("dir/sha256/x", dir_ + "/layout/inside");
  std::filesystem::create_symlink("loop", dir_ + "/layout/loop");
  EXPECT_EQ(mkfifo((dir_ + "/layout/pipe").c_str(), 0600), 0);
  Fd fd(open((dir_ + "/layout").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<ImageSource> source = OpenDirectorySource(std::move(fd));
  EXPECT_EQ(Text(*source, "blobs/sha256/x"), "blob");
  EXPECT_EQ(
      Text(*source, "link"),
      "error: \"link\" is a link to \"../secret\", which leaves the archive: only symbolic links "
      "inside it are followed");
  EXPECT_EQ(Text(*source, "inside"), "blob");
  EXPECT_EQ(Text(*source, "dir/sha256/x"), "blob");
  EXPECT_EQ(Text(*source, "loop"), "error: \"loop\" is a link that leads to itself");
  EXPECT_EQ(Text(*source, "pipe"), "error: \"pipe\" is not a regular file");
  EXPECT_EQ(Text(*source, "blobs/sha256"), "error: \"blobs/sha256\" is not a regular file");
  EXPECT_EQ(Text(*source, "nothing/x"), "error: \"nothing/x\" is missing");
  EXPECT_EQ(Text(*source, "../secret").find("error: "), 0U);
  EXPECT_EQ(*source->TopNames(),
            (std::vector<std::string>{"blobs", "dir", "inside", "link", "loop", "pipe"}));
}

}  // namespace
}  // namespace veneer
