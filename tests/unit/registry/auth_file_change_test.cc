// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/auth_file_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class AuthFileChangeTest : public testing::Test {
 protected:
  ~AuthFileChangeTest() override { fs::remove_all(dir_); }

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  void Write(const std::string& name, const std::string& text, mode_t mode) const {
    std::ofstream(Path(name)) << text;
    ::chmod(Path(name).c_str(), mode);
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(Path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  mode_t Mode(const std::string& name) const {
    struct stat st = {};
    ::lstat(Path(name).c_str(), &st);
    return st.st_mode & 07777;
  }
  Result<void> Put(const std::string& name, const std::string& host) const {
    return ChangeAuthFile(Path(name), [&](AuthFile* file) {
      return file->Put(host, Credential{"user", "secret", ""});
    });
  }

  const std::string dir_ = MakeTempDir("Auth");
};

TEST_F(AuthFileChangeTest, AFileAndItsDirectoryAreTheUsersAlone) {
  const mode_t mask = ::umask(0);
  ASSERT_TRUE(Put("a/containers/auth.json", "h"));
  ::umask(mask);
  EXPECT_EQ(Mode("a"), 0755U);
  EXPECT_EQ(Mode("a/containers"), 0700U);
  EXPECT_EQ(Mode("a/containers/auth.json"), 0600U);
  EXPECT_EQ(Mode("a/containers/auth.json.lock"), 0600U);
}

TEST_F(AuthFileChangeTest, AFileThatOthersCouldReadIsWrittenAgainForTheUserAlone) {
  Write("auth.json", R"({"kept": 1})", 0644);
  ASSERT_TRUE(Put("auth.json", "h"));
  EXPECT_EQ(Mode("auth.json"), 0600U);
  EXPECT_THAT(Read("auth.json"), testing::HasSubstr("\"kept\": 1"));
}

TEST_F(AuthFileChangeTest, ADamagedFileIsNotOverwritten) {
  Write("auth.json", "{\"auths\": {\"h\": {\"auth\": \"c2VjcmV0\"}", 0600);
  const Result<void> put = Put("auth.json", "h");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().message(),
            Path("auth.json") + ": not a JSON document: syntax error at byte 37");
  EXPECT_EQ(Read("auth.json"), "{\"auths\": {\"h\": {\"auth\": \"c2VjcmV0\"}");
}

TEST_F(AuthFileChangeTest, AChangeThatFailsLeavesTheFile) {
  Write("auth.json", "{ }", 0644);
  EXPECT_FALSE(ChangeAuthFile(Path("auth.json"), [](AuthFile* file) -> Result<void> {
    file->Erase("h");
    return MakeError("no");
  }));
  EXPECT_EQ(Read("auth.json"), "{ }");
  EXPECT_EQ(Mode("auth.json"), 0644U);
}

TEST_F(AuthFileChangeTest, ASymlinkStays) {
  fs::create_directory(Path("real"));
  Write("real/config.json", "{}", 0600);
  fs::create_symlink("real/config.json", Path("config.json"));
  ASSERT_TRUE(Put("config.json", "h"));
  EXPECT_TRUE(fs::is_symlink(Path("config.json")));
  EXPECT_THAT(Read("real/config.json"), testing::HasSubstr("auth"));
}

TEST_F(AuthFileChangeTest, WhatIsNoRegularFileIsNotReplaced) {
  fs::create_directory(Path("auth.json"));
  const Result<void> put = Put("auth.json", "h");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().message(), Path("auth.json") + ": not a regular file");
}

TEST_F(AuthFileChangeTest, NothingIsLeftBesideTheFileButItsLock) {
  Write(".auth.json.veneer", "left by one that was killed", 0644);
  ASSERT_TRUE(Put("auth.json", "h"));
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir_)) names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("auth.json", "auth.json.lock"));
}

TEST_F(AuthFileChangeTest, WritersAtOnceLoseNothing) {
  constexpr int kWriters = 8;
  constexpr int kEach = 10;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_TRUE(Put("auth.json", "h" + std::to_string(writer * kEach + i)));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const Result<AuthFile> file = AuthFile::Read(Path("auth.json"));
  ASSERT_TRUE(file);
  for (int i = 0; i < kWriters * kEach; ++i) EXPECT_TRUE(file->Has("h" + std::to_string(i))) << i;
}

}  // namespace
}  // namespace veneer
