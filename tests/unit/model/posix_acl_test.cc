// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/posix_acl.h"

#include <gtest/gtest.h>

#include <tuple>
#include <vector>

namespace veneer {
namespace {

using AclEntry = std::tuple<uint16_t, uint16_t, uint32_t>;  // tag, permissions, id

std::string Acl(const std::vector<AclEntry>& entries) {
  std::string out("\2\0\0\0", 4);
  for (const auto& [tag, perm, id] : entries) {
    out += {static_cast<char>(tag), static_cast<char>(tag >> 8), static_cast<char>(perm), 0};
    for (int i = 0; i < 4; ++i) out += static_cast<char>(id >> (8 * i));
  }
  return out;
}
constexpr uint32_t kNoId = 0xFFFFFFFF;

TEST(AclTest, PermissionsAreThoseOfOwnerMaskAndOthers) {
  const std::string minimal = Acl({{1, 6, kNoId}, {4, 4, kNoId}, {0x20, 0, kNoId}});
  EXPECT_EQ(PermissionsOfAcl(minimal)->bits, 0640U);
  EXPECT_FALSE(PermissionsOfAcl(minimal)->extended);
  EXPECT_EQ(AclWithMode(minimal, 04751), Acl({{1, 7, kNoId}, {4, 5, kNoId}, {0x20, 1, kNoId}}));
  const std::string extended =
      Acl({{1, 7, kNoId}, {2, 7, 1000}, {4, 5, kNoId}, {0x10, 6, kNoId}, {0x20, 1, kNoId}});
  EXPECT_EQ(PermissionsOfAcl(extended)->bits, 0761U);
  EXPECT_TRUE(PermissionsOfAcl(extended)->extended);
  EXPECT_EQ(AclWithMode(extended, 0604),
            Acl({{1, 6, kNoId}, {2, 7, 1000}, {4, 5, kNoId}, {0x10, 0, kNoId}, {0x20, 4, kNoId}}))
      << "chmod changes the mask, not the owning group";
  for (const std::string& none : {std::string(), std::string("\2\0\0\0", 4), minimal + "x"}) {
    EXPECT_FALSE(PermissionsOfAcl(none).has_value());
    EXPECT_FALSE(AclWithMode(none, 0644).has_value());
  }
}

// What ext4 gives for "d:u::rwx,d:u:1000:rwx,d:g::r-x,d:m::rwx,d:o::---" and mode 0666.
TEST(AclTest, NamedEntriesAreLimitedByTheMask) {
  const std::string inherited =
      Acl({{1, 7, kNoId}, {2, 7, 1000}, {4, 5, kNoId}, {0x10, 7, kNoId}, {0x20, 0, kNoId}});
  const auto file = InheritAcl(inherited, 0666, FileType::kRegular);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->mode, 0660U);
  EXPECT_EQ(file->access,
            Acl({{1, 6, kNoId}, {2, 7, 1000}, {4, 5, kNoId}, {0x10, 6, kNoId}, {0x20, 0, kNoId}}));
  EXPECT_FALSE(file->default_acl.has_value());
  const auto dir = InheritAcl(inherited, 01777, FileType::kDirectory);
  EXPECT_EQ(dir->mode, 01770U);
  EXPECT_EQ(dir->default_acl, inherited);
}

TEST(AclTest, AMinimalAclIsOnlyAMode) {
  const auto file =
      InheritAcl(Acl({{1, 7, kNoId}, {4, 5, kNoId}, {0x20, 4, kNoId}}), 0666, FileType::kRegular);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->mode, 0644U);
  EXPECT_FALSE(file->access.has_value());
}

TEST(AclTest, MalformedIsRefused) {
  EXPECT_FALSE(InheritAcl("", 0666, FileType::kRegular).has_value());
  EXPECT_FALSE(InheritAcl(std::string("\1\0\0\0", 4), 0666, FileType::kRegular).has_value());
  EXPECT_FALSE(InheritAcl(Acl({{1, 7, 0}}) + "x", 0666, FileType::kRegular).has_value());
  EXPECT_FALSE(InheritAcl(Acl({{3, 7, 0}}), 0666, FileType::kRegular).has_value());
}

}  // namespace
}  // namespace veneer
