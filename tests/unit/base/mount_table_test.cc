// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/mount_table.h"
#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace veneer {
namespace {

TEST(ParseMountInfoTest, ReadsFieldsAndEscapes) {
  const std::vector<MountEntry> table = ParseMountInfo(
      "22 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw\n"
      "40 22 0:55 / /srv/my\\040web\\134x rw,nosuid - fuse.veneerfs web rw,user_id=0\n"
      "garbage\n"
      "41 22 0:56 / /srv/my\\040web\\134x ro - tmpfs none rw\n");
  ASSERT_EQ(table.size(), 3u);
  EXPECT_EQ(table[1].mount_point, "/srv/my web\\x");
  EXPECT_EQ(table[1].type, kVeneerfsType);
  EXPECT_EQ(table[1].source, "web");
  EXPECT_EQ(table[1].device, "0:55");
  EXPECT_EQ(FindMountAt(table, "/srv/my web\\x")->type, "tmpfs");  // the one on top
  EXPECT_EQ(FindMountAt(table, "/srv"), std::nullopt);
}

TEST(ReadMountTableTest, FindsTheRootOfThisSystem) {
  const auto table = ReadMountTable();
  ASSERT_TRUE(table);
  EXPECT_TRUE(FindMountAt(*table, "/"));
}

TEST(AbsolutePathTest, ResolvesParentsAndNotTheLastComponent) {
  const std::string dir = MakeTempDir("path");
  const std::string real = *AbsolutePath(dir + "/.");
  ASSERT_EQ(symlink("nowhere", (dir + "/link").c_str()), 0);
  EXPECT_EQ(*AbsolutePath(dir + "/link"), real + "/link");
  EXPECT_EQ(*AbsolutePath(dir + "/link//"), real + "/link");
  EXPECT_EQ(*AbsolutePath(dir + "/missing"), real + "/missing");
  EXPECT_EQ(*AbsolutePath("/"), "/");
  EXPECT_EQ(*AbsolutePath("/usr/.."), "/");
  EXPECT_FALSE(AbsolutePath(dir + "/missing/x"));
  EXPECT_FALSE(AbsolutePath(""));
  unlink((dir + "/link").c_str());
  rmdir(dir.c_str());
}

}  // namespace
}  // namespace veneer
