// SPDX-License-Identifier: Apache-2.0
#include "fs/options/id_map.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

IdMap Map(std::string_view text) {
  Result<IdMap> map = IdMap::Parse(text);
  EXPECT_TRUE(map.has_value()) << text;
  return map ? *map : IdMap();
}

TEST(IdMapTest, WithoutRangesIdsStayAsTheyAre) {
  const IdMap map;
  EXPECT_TRUE(map.identity());
  for (const uint32_t id : {0u, 1000u, 65534u, 4294967294u}) {
    EXPECT_EQ(map.ToMount(id), id);
    EXPECT_EQ(map.ToDisk(id), id);
  }
}

TEST(IdMapTest, TranslatesEachRangeBothWays) {
  const IdMap map = Map("0:1000:1:1:100000:65536");
  EXPECT_FALSE(map.identity());
  EXPECT_EQ(map.ToMount(0), 1000u);
  EXPECT_EQ(map.ToMount(1), 100000u);
  EXPECT_EQ(map.ToMount(65536), 165535u);
  EXPECT_EQ(map.ToDisk(1000), 0u);
  EXPECT_EQ(map.ToDisk(100000), 1u);
  EXPECT_EQ(map.ToDisk(165535), 65536u);
}

TEST(IdMapTest, AnIdOutsideTheRangesIsTheOverflowIdOutAndNoneIn) {
  const IdMap map = Map("0:1000:1:1:100000:65536");
  EXPECT_EQ(map.ToMount(65537), kOverflowId);
  EXPECT_EQ(map.ToDisk(0), std::nullopt);
  EXPECT_EQ(map.ToDisk(1001), std::nullopt);
  EXPECT_EQ(map.ToDisk(165536), std::nullopt);
}

TEST(IdMapTest, AcceptsAnEmptyFirstField) {
  EXPECT_EQ(Map(":0:1000:1:1:100000:65536").ranges(), Map("0:1000:1:1:100000:65536").ranges());
}

TEST(IdMapTest, RangesNeedNotBeContiguousOnEitherSide) {
  const IdMap map = Map("0:5000:2:10:1:3:4000000000:70000:10");
  EXPECT_EQ(map.ToMount(1), 5001u);
  EXPECT_EQ(map.ToMount(2), kOverflowId);
  EXPECT_EQ(map.ToMount(12), 3u);
  EXPECT_EQ(map.ToMount(4000000009u), 70009u);
  EXPECT_EQ(map.ToDisk(70009), 4000000009u);
}

TEST(IdMapTest, RefusesWhatIsNoMapping) {
  for (const char* text : {"", ":", "0", "0:1000", "0:1000:1:", "0:1000:0", "a:1000:1", "-1:0:1",
                           "0:0:4294967296", "4294967295:0:1", "1:0:4294967295",
                           "0:1000:10:5:3000:1", "0:1000:10:50:1009:1", "::0:1:1"}) {
    EXPECT_FALSE(IdMap::Parse(text).has_value()) << '"' << text << '"';
  }
}

TEST(IdMapTest, AcceptsTheWholeIdSpace) {
  EXPECT_EQ(Map("0:0:4294967295").ToMount(4294967294u), 4294967294u);
}

TEST(IdMapTest, SquashingChangesIdsInTheMountAndNoneOnDisk) {
  IdMap map = Map("0:1000:10");
  map.SquashTo(7);
  EXPECT_FALSE(map.identity());
  EXPECT_EQ(map.ToMount(3), 7u);
  EXPECT_EQ(map.ToMount(99999), 7u);
  EXPECT_EQ(map.ToDisk(1003), 3u);
  IdMap plain;
  plain.SquashTo(0);
  EXPECT_EQ(plain.ToDisk(1234), 1234u);
}

// version 2; user::rwx, user:<a>:r--, group::r-x, group:<b>:-w-, mask::rwx, other::---
std::string Acl(uint32_t user, uint32_t group) {
  std::string acl("\x02\0\0\0", 4);
  const auto add = [&acl](uint16_t tag, uint16_t permissions, uint32_t id) {
    for (const uint16_t half : {tag, permissions}) {
      acl.push_back(static_cast<char>(half & 0xff));
      acl.push_back(static_cast<char>(half >> 8));
    }
    for (int shift = 0; shift < 32; shift += 8)
      acl.push_back(static_cast<char>(id >> shift & 0xff));
  };
  add(0x01, 7, UINT32_MAX);
  add(0x02, 4, user);
  add(0x04, 5, UINT32_MAX);
  add(0x08, 2, group);
  add(0x10, 7, UINT32_MAX);
  add(0x20, 0, UINT32_MAX);
  return acl;
}

TEST(AclIdsTest, TranslatesNamedEntriesOnly) {
  const IdMaps ids{Map("0:1000:1:1:100000:65536"), Map("0:2000:100")};
  EXPECT_EQ(AclToMount(Acl(5, 50), ids), Acl(100004, 2050));
  EXPECT_EQ(AclToDisk(Acl(100004, 2050), ids), Acl(5, 50));
}

TEST(AclIdsTest, AnUnknownIdIsTheOverflowIdOutAndRefusedIn) {
  const IdMaps ids{Map("0:1000:1"), Map("0:2000:1")};
  EXPECT_EQ(AclToMount(Acl(9, 0), ids), Acl(kOverflowId, 2000));
  EXPECT_EQ(AclToDisk(Acl(1001, 2000), ids), std::nullopt);
  EXPECT_EQ(AclToDisk(Acl(1000, 2001), ids), std::nullopt);
}

TEST(AclIdsTest, LeavesAValueOfAnotherFormAlone) {
  const IdMaps ids{Map("0:1000:1"), Map("0:2000:1")};
  std::string cut = Acl(0, 0);
  cut.pop_back();
  std::string other_version = Acl(0, 0);
  other_version[0] = 3;
  for (const std::string& value : {std::string(), std::string("abc"), cut, other_version}) {
    EXPECT_EQ(AclToMount(value, ids), value);
    EXPECT_EQ(AclToDisk(value, ids), value);
  }
}

TEST(AclIdsTest, KnowsTheTwoNames) {
  EXPECT_TRUE(IsAclName("system.posix_acl_access"));
  EXPECT_TRUE(IsAclName("system.posix_acl_default"));
  EXPECT_FALSE(IsAclName("user.posix_acl_access"));
}

}  // namespace
}  // namespace veneer
