// SPDX-License-Identifier: Apache-2.0
#include "tools/run/account.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "layerdb/base/fd.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "broken line\n"
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "huge:x:4294967296:1::/:\n"
    "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
    "short:x:40:41";
constexpr std::string_view kGroup =
    "root:x:0:\n"
    "www-data:x:33:\n"
    "ssl:x:110:www-data,nobody\n"
    "ssl2:x:110:www-data\n"
    "adm:x:4:daemon,www-data\n";

TEST(ResolveAccountTest, AnEmptyUserIsRoot) {
  const Result<Account> account = ResolveAccount("", kPasswd, kGroup);
  ASSERT_TRUE(account);
  EXPECT_EQ(account->uid, 0u);
  EXPECT_EQ(account->home, "/root");
  EXPECT_EQ(account->shell, "/bin/bash");
}

TEST(ResolveAccountTest, AUserBringsItsGroupsOnceEach) {
  const Result<Account> account = ResolveAccount("www-data", kPasswd, kGroup);
  ASSERT_TRUE(account);
  EXPECT_EQ(account->uid, 33u);
  EXPECT_EQ(account->gid, 33u);
  EXPECT_EQ(account->groups, (std::vector<gid_t>{4, 110}));
  EXPECT_EQ(account->home, "/var/www");
}

TEST(ResolveAccountTest, AGivenGroupReplacesTheUsersGroups) {
  const Result<Account> account = ResolveAccount("www-data:adm", kPasswd, kGroup);
  ASSERT_TRUE(account);
  EXPECT_EQ(account->gid, 4u);
  EXPECT_TRUE(account->groups.empty());
  EXPECT_EQ(ResolveAccount("1:77", kPasswd, kGroup)->gid, 77u);
  EXPECT_EQ(ResolveAccount(":adm", kPasswd, kGroup)->gid, 4u);
}

TEST(ResolveAccountTest, ANumberNeedsNoEntry) {
  const Result<Account> unknown = ResolveAccount("1234", kPasswd, kGroup);
  ASSERT_TRUE(unknown);
  EXPECT_EQ(unknown->uid, 1234u);
  EXPECT_EQ(unknown->gid, 0u);
  EXPECT_EQ(unknown->home, "/");
  EXPECT_EQ(ResolveAccount("33", kPasswd, kGroup)->name, "www-data");
  EXPECT_EQ(ResolveAccount("short", kPasswd, kGroup)->gid, 41u);
  EXPECT_TRUE(ResolveAccount("0", "", ""));
}

TEST(ResolveAccountTest, NoNumberWrapsAroundToRoot) {
  for (const char* text : {"4294967296", "2147483648", "99999999999999999999", "0:4294967296",
                           "huge", "-1", "nobody", "root:nogroup", "+0", " 0"}) {
    EXPECT_FALSE(ResolveAccount(text, kPasswd, kGroup)) << text;
  }
}

class ResolveAccountInTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = MakeTempDir("account");
    std::filesystem::create_directory(dir_ + "/etc");
    root_ = Fd(open(dir_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string dir_;
  Fd root_;
};

TEST_F(ResolveAccountInTest, FollowsSymlinksInsideTheRootOnly) {
  std::ofstream(dir_ + "/users") << "inside:x:7:8::/home/inside:/bin/sh\n";
  std::filesystem::create_symlink("/users", dir_ + "/etc/passwd");
  EXPECT_EQ(ResolveAccountIn(root_.get(), "inside")->uid, 7u);
  std::filesystem::remove(dir_ + "/etc/passwd");
  std::filesystem::create_symlink("../../../../../../../../etc/passwd", dir_ + "/etc/passwd");
  EXPECT_FALSE(ResolveAccountIn(root_.get(), "daemon"));
}

TEST_F(ResolveAccountInTest, AnImageWithoutUsersHasRoot) {
  const Result<Account> account = ResolveAccountIn(root_.get(), "");
  ASSERT_TRUE(account);
  EXPECT_EQ(account->uid, 0u);
}

TEST_F(ResolveAccountInTest, RefusesWhatIsNoFileOfReasonableSize) {
  ASSERT_EQ(mkfifo((dir_ + "/etc/passwd").c_str(), 0644), 0);
  EXPECT_FALSE(ResolveAccountIn(root_.get(), "root"));  // and does not wait for a writer
  std::filesystem::remove(dir_ + "/etc/passwd");
  std::ofstream(dir_ + "/etc/group") << "";
  std::filesystem::resize_file(dir_ + "/etc/group", uint64_t{1} << 40);
  EXPECT_FALSE(ResolveAccountIn(root_.get(), "0"));
}

}  // namespace
}  // namespace veneer
